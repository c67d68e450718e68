import type { BucketKeyState } from '../../../objects/key-checks.ts'
import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { bucketsReply } from '../reply-schemas.ts'

/** Of the buckets that the caller manages: whether their root keys are those that they were made with. */
export const listBuckets = defineOperation({
  name: 'ListBuckets',
  summary: 'Whether the root keys of buckets are those that they were made with.',
  method: 'GET',
  path: '/admin/v1/buckets',
  body: noBody,
  reply: bucketsReply,
  run: async (_input, { objects, may }) => {
    const states = objects.keyChecks.states().filter(({ bucket: name }) => {
      const bucket = objects.buckets.find(name)
      return bucket !== undefined && may(bucket, 's3:GetEncryptionConfiguration')
    })
    return json(200, { buckets: states.map(faceOf) })
  },
})

const faceOf = ({ bucket, state, keys }: BucketKeyState): object => ({
  bucket,
  state,
  ...(state === 'locked' ? { reason: REASON } : {}),
  keys: keys.map(({ rootKeyCrn, state: key, checkedAtMs, refusal }) => ({
    ...{ rootKeyCrn, state: key },
    ...(checkedAtMs === undefined ? {} : { checkedAt: new Date(checkedAtMs).toISOString() }),
    ...(refusal === undefined ? {} : { refusal }),
  })),
})

const REASON =
  'A root key answers with other key material than the bucket was made with. Bring its key service back with the right keys: the bucket then opens by itself.'
