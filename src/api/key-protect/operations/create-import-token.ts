import { json } from '../../common/reply.ts'
import { importTokenBody } from '../bodies.ts'
import { defineOperation } from '../context.ts'
import { importTokenResource } from '../import-token-resource.ts'
import { newImportTokenReply } from '../reply-schemas.ts'

const DEFAULT_LIFETIME_SECONDS = 600

export const createImportToken = defineOperation({
  name: 'PostImportToken',
  method: 'POST',
  path: '/api/v2/import_token',
  action: 'kms.import-token.create',
  body: importTokenBody,
  reply: newImportTokenReply,
  run: async ({ body }, { kms, caller }) => {
    const { expiration = DEFAULT_LIFETIME_SECONDS, maxAllowedRetrievals = 1 } = body ?? {}
    const token = await kms.createImportToken(caller, {
      lifetimeSeconds: expiration,
      maxRetrievals: maxAllowedRetrievals,
    })
    return json(200, importTokenResource(token))
  },
})
