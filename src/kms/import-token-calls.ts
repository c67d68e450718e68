import type { KmsContext } from './context.ts'
import type { Door, KmsCaller } from './door.ts'
import type { RetrievedImportToken } from './import-token-book.ts'
import type { ImportTokenRecord, NewImportToken } from './import-tokens.ts'

export interface ImportTokenCalls {
  /** In place of the instance's token before. */
  readonly createImportToken: (caller: KmsCaller, token: NewImportToken) => Promise<ImportTokenRecord>
  /** Throws ImportTokenNotFound, ImportTokenExpired. */
  readonly retrieveImportToken: (caller: KmsCaller) => Promise<RetrievedImportToken>
}

export function importTokenCalls({ importTokens }: KmsContext, door: Door): ImportTokenCalls {
  return {
    createImportToken: (caller, token) =>
      door.later(caller, 'kms.import-token.create', undefined, ({ actor }) =>
        importTokens.create(actor.instanceId, actor.iamId, token),
      ),
    retrieveImportToken: (caller) =>
      door.later(caller, 'kms.import-token.read', undefined, ({ actor }) => importTokens.retrieve(actor.instanceId)),
  }
}
