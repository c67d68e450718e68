import type { NewKey } from '../../../kms/create-key.ts'
import { json } from '../../common/reply.ts'
import { expirationTime, type NewKeyResource, newKeyBody, onlyResource, payloadOf } from '../bodies.ts'
import { defineOperation, preference } from '../context.ts'
import { collection, mediaType } from '../envelope.ts'
import { keyResource } from '../key-resource.ts'

export const createKey = defineOperation({
  name: 'CreateKey',
  method: 'POST',
  path: '/api/v2/keys',
  action: 'kms.secrets.create',
  body: newKeyBody,
  run: async ({ request, body }, { kms, caller }) => {
    const { key, payload } = await kms.createKey(caller, newKey(onlyResource(body)))
    if (preference(request) !== 'minimal') return json(201, collection('key', [keyResource(key, payload)]))
    payload?.fill(0)
    return json(201, collection('key', [{ type: mediaType('key'), id: key.record.id }]))
  },
})

function newKey(resource: NewKeyResource): NewKey {
  const { name = '', description, tags, aliases, expirationDate, extractable = true } = resource
  const expiresAt = expirationDate ? expirationTime(expirationDate) : undefined
  const payload = payloadOf(resource)
  return {
    name,
    extractable,
    ...(description ? { description } : {}),
    ...(tags ? { tags } : {}),
    ...(aliases ? { aliases } : {}),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(payload ? { payload } : {}),
  }
}
