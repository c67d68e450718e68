import type { KeyRingView } from '../../../kms/change-rings.ts'
import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { collection, wireTime } from '../envelope.ts'
import { booleanQuery, pageQuery } from '../query.ts'
import { type KeyRingAnswer, keyRingsReply } from '../reply-schemas.ts'

/** All that an instance can have, with `default`. */
const DEFAULT_LIMIT = 51

export const listKeyRings = defineOperation({
  name: 'ListKeyRings',
  method: 'GET',
  path: '/api/v2/key_rings',
  action: 'kms.key-rings.list',
  body: noBody,
  reply: keyRingsReply,
  run: async ({ request }, { kms, caller }) => {
    const { items, totalCount } = kms.listKeyRings(caller, pageQuery(request, DEFAULT_LIMIT))
    const metadata = booleanQuery(request, 'totalCount') ? { totalCount } : {}
    return json(200, collection('key_ring', items.map(ringResource), metadata))
  },
})

const ringResource = ({ id, record }: KeyRingView): KeyRingAnswer => ({
  id,
  ...(record && { creationDate: wireTime(record.createdAt), createdBy: record.createdBy }),
})
