import { z } from 'zod'
import type { Bucket } from '../../../objects/buckets.ts'
import type { BucketKeyState } from '../../../objects/key-checks.ts'
import { noBody } from '../../common/json-operation.ts'
import { queryOf } from '../../common/query-of.ts'
import { json } from '../../common/reply.ts'
import { type AdminContext, defineOperation } from '../context.ts'
import { bucketsReply } from '../reply-schemas.ts'

const takes = z.object({
  details: z.enum(['true', 'false']).default('false').meta({
    description:
      '`true`: with what is in each, its versioning and its encryption, so that nobody has to ask bucket by bucket.',
  }),
})

/** Of the buckets that the caller manages: whether their root keys are those that they were made with. */
export const listBuckets = defineOperation({
  name: 'ListBuckets',
  summary: 'Whether the root keys of buckets are those that they were made with.',
  method: 'GET',
  path: '/admin/v1/buckets',
  takes,
  body: noBody,
  reply: bucketsReply,
  run: async ({ request }, context) => {
    const { details } = queryOf(request, takes)
    const { objects, may } = context
    const buckets = objects.keyChecks.states().flatMap((state) => {
      const bucket = objects.buckets.find(state.bucket)
      return bucket !== undefined && may(bucket, 's3:GetEncryptionConfiguration') ? [{ state, bucket }] : []
    })
    const faces: object[] = []
    for (const { state, bucket } of buckets)
      faces.push({ ...faceOf(state), ...(details === 'true' ? await detailsOf(bucket, context) : {}) })
    return json(200, { buckets: faces })
  },
})

/** Each as far as the caller may ask for it alone. */
async function detailsOf(bucket: Bucket, { objects, may }: AdminContext): Promise<object> {
  const { encryption, rootKeyCrn, versioning } = bucket
  return {
    encryption,
    ...(encryption === 'customer-managed' && may(bucket, 's3:GetBucketRootKey') ? { rootKeyCrn } : {}),
    ...(may(bucket, 's3:GetBucketVersioning') ? { versioning: versioning ?? 'Off' } : {}),
    ...(may(bucket, 's3:GetBucketUsage') ? { usage: await objects.bucketUsage(bucket) } : {}),
  }
}

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
