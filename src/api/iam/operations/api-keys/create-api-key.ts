import { z } from 'zod'
import { apiKeyMembers, createdApiKeyReply, readApiKey } from '../../api-key-wire.ts'
import { requirePermission } from '../../context.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { flagHeader } from '../../entity-wire.ts'
import { oneApiKeyAnswer } from '../../reply-schemas.ts'

/**
 * Everybody makes keys for themselves. Where nobody can log in otherwise, somebody must make a user's first key: an
 * Administrator, who could take that user's rights in any case.
 */
export const createApiKey = entityOperation({
  name: 'CreateApiKey',
  method: 'POST',
  path: '/v1/apikeys',
  action: 'iam-identity.apikey.create',
  body: z.strictObject({ ...apiKeyMembers, iam_id: z.string(), account_id: z.string().optional() }),
  reply: oneApiKeyAnswer,
  run: async ({ request, body }, context) => {
    const { iam, principal } = context
    const owner = { accountId: body.account_id ?? principal.accountId, iamId: body.iam_id }
    const forSelf =
      principal.type === 'user' && owner.iamId === principal.iamId && owner.accountId === principal.accountId
    if (!forSelf) requirePermission(context, 'iam-identity.apikey.manage', owner.accountId)
    const flags = { locked: flagHeader(request, 'entity-lock'), disabled: flagHeader(request, 'entity-disable') }
    return createdApiKeyReply(await iam.apiKeys.create({ ...readApiKey(body), ...flags, owner }, principal), request)
  },
})
