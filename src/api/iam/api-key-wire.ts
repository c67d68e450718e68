import { z } from 'zod'
import { formatCrn } from '../../base/crn.ts'
import { type ApiKey, type ApiKeyDraft, type CreatedApiKey, LEAK_ACTIONS } from '../../iam/api-key-management.ts'
import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import { contextOf } from './entity-protocol.ts'
import { entityTag, readTime, wantsHistory, writeLife, writeTime } from './entity-wire.ts'
import type { ApiKeyAnswer } from './reply-schemas.ts'

const refused = (why: string) => z.literal(false, why).optional()

/** Members that the creation of a key and of a service ID with a key share. */
export const apiKeyMembers = {
  name: z.string(),
  description: z.string().optional(),
  apikey: z.string().max(256).optional(),
  store_value: refused('values of API keys are kept as hashes only: none can be shown again'),
  support_sessions: refused('there are no sessions to manage'),
  action_when_leaked: z.enum(LEAK_ACTIONS).optional(),
  expires_at: z.string().optional(),
}
const members = z.strictObject(apiKeyMembers)

export function readApiKey(body: z.output<typeof members>): Omit<ApiKeyDraft, 'owner'> {
  return {
    name: body.name,
    description: body.description,
    value: body.apikey,
    actionWhenLeaked: body.action_when_leaked,
    expiresAtMs: readTime('expires_at', body.expires_at) ?? undefined,
  }
}

/** `value`: at creation, and never again. */
export function writeApiKey(key: ApiKey, request: ApiRequest, value = ''): ApiKeyAnswer {
  const { id, accountId, iamId, name, description, locked, disabled, expiresAtMs, actionWhenLeaked, life } = key
  return {
    id,
    crn: formatCrn({
      service: 'iam-identity',
      region: '',
      account: accountId,
      instance: '',
      resourceType: 'apikey',
      resource: id,
    }),
    iam_id: iamId,
    account_id: accountId,
    name,
    ...(description === undefined ? {} : { description }),
    locked,
    disabled,
    support_sessions: false,
    action_when_leaked: actionWhenLeaked ?? 'none',
    ...(expiresAtMs === undefined ? {} : { expires_at: writeTime(expiresAtMs) }),
    apikey: value,
    ...writeLife(life, id, wantsHistory(request)),
  }
}

export function apiKeyReply(status: number, key: ApiKey, request: ApiRequest): Reply {
  return json(
    status,
    { context: contextOf(request), ...writeApiKey(key, request) },
    { ETag: entityTag(key.life, key.id) },
  )
}

export function createdApiKeyReply({ apiKey, value }: CreatedApiKey, request: ApiRequest): Reply {
  const body = { context: contextOf(request), ...writeApiKey(apiKey, request, value) }
  return json(201, body, { ETag: entityTag(apiKey.life, apiKey.id) })
}
