import { z } from 'zod'
import { apiKeyMembers, apiKeyReply } from '../../api-key-wire.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { readTime, seenRevision } from '../../entity-wire.ts'
import { oneApiKeyAnswer } from '../../reply-schemas.ts'
import { findApiKey } from './find-api-key.ts'

const { description, support_sessions, action_when_leaked, expires_at } = apiKeyMembers

export const updateApiKey = entityOperation({
  name: 'UpdateApiKey',
  method: 'PUT',
  path: '/v1/apikeys/:id',
  action: 'iam-identity.apikey.manage',
  body: z.strictObject({
    name: z.string().optional(),
    description,
    support_sessions,
    action_when_leaked,
    expires_at,
  }),
  reply: oneApiKeyAnswer,
  run: async ({ request, body }, context) => {
    const { id, life } = findApiKey(request, context, 'iam-identity.apikey.manage')
    const revision = seenRevision(request, life, id)
    const patch = {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.description === undefined ? {} : { description: body.description }),
      ...(body.expires_at === undefined ? {} : { expiresAtMs: readTime('expires_at', body.expires_at) }),
      ...(body.action_when_leaked === undefined ? {} : { actionWhenLeaked: body.action_when_leaked }),
    }
    return apiKeyReply(200, await context.iam.apiKeys.update(id, patch, context.principal, revision), request)
  },
})
