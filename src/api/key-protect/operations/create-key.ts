import type { NewKey } from '../../../kms/create-key.ts'
import type { KeyWithPayload } from '../../../kms/key-calls.ts'
import type { IncomingMaterial } from '../../../kms/receive-material.ts'
import { json, type Reply } from '../../common/reply.ts'
import type { ApiRequest } from '../../common/request.ts'
import { expirationTime, type NewKeyResource, newKeyBody, newKeyWithPoliciesBody, onlyResource } from '../bodies.ts'
import { defineOperation, preference } from '../context.ts'
import { collection, mediaType } from '../envelope.ts'
import { wantedPolicies } from '../key-policies.ts'
import { keyResource } from '../key-resource.ts'
import { materialOf } from '../material.ts'
import { newKeyReply } from '../reply-schemas.ts'

export const createKey = defineOperation({
  name: 'CreateKey',
  method: 'POST',
  path: '/api/v2/keys',
  action: 'kms.secrets.create',
  body: newKeyBody,
  reply: newKeyReply,
  run: async ({ request, body }, { kms, caller }) =>
    created(request, await kms.createKey(caller, newKey(onlyResource(body)))),
})

export const createKeyWithPolicies = defineOperation({
  name: 'CreateKeyWithPoliciesOverrides',
  method: 'POST',
  path: '/api/v2/keys_with_policy_overrides',
  action: 'kms.secrets-with-policy-overrides.create',
  body: newKeyWithPoliciesBody,
  reply: newKeyReply,
  run: async ({ request, body }, { kms, caller }) => {
    const resource = onlyResource(body)
    return created(request, await kms.createKey(caller, { ...newKey(resource), policies: wantedPolicies(resource) }))
  },
})

function created(request: ApiRequest, { key, payload }: KeyWithPayload): Reply {
  if (preference(request) !== 'minimal') return json(201, collection('key', [keyResource(key, payload)]))
  payload?.fill(0)
  return json(201, collection('key', [{ type: mediaType('key'), id: key.record.id }]))
}

function newKey(resource: NewKeyResource): NewKey & IncomingMaterial {
  const { name = '', description, tags, aliases, expirationDate, extractable = true } = resource
  const expiresAt = expirationDate ? expirationTime(expirationDate) : undefined
  return {
    name,
    extractable,
    ...(description ? { description } : {}),
    ...(tags ? { tags } : {}),
    ...(aliases ? { aliases } : {}),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...materialOf(resource),
  }
}
