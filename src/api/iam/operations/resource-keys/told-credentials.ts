import type { StoredResourceKey } from '../../../../iam/records.ts'
import { mayInAccount } from '../../entity-access.ts'
import type { ToldCredentialsAnswer } from '../../reply-schemas.ts'
import { redacted, writeCredentials } from '../../resource-key-wire.ts'
import type { ResourceContext } from '../../resource-protocol.ts'

/** What the caller may be told of the credentials of a key that is there already. */
export function toldCredentials(key: StoredResourceKey, context: ResourceContext): ToldCredentialsAnswer {
  if (key.onetimeCredentials) return redacted('REDACTED_EXPLICIT')
  if (!mayInAccount(context, 'resource-controller.credential.retrieve_all', key.accountId)) return redacted('REDACTED')
  return writeCredentials(key, context.iam.resourceKeys.secrets(key))
}
