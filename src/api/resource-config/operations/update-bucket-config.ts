import { empty } from '../../common/reply.ts'
import { actionsOf, bucketPatch, patched } from '../bucket-patch.ts'
import { configOperation, findBucket, requireAction } from '../context.ts'
import { checkIfMatch, etagOf } from '../etag.ts'

/** A JSON merge patch, all of it or nothing. It takes the right to each member that it names. */
export const updateBucketConfig = configOperation({
  name: 'UpdateBucketConfig',
  method: 'PATCH',
  path: '/v1/b/:bucket',
  body: bucketPatch,
  run: async ({ request, body }, context) => {
    const { objects } = context
    const bucket = findBucket(request, context)
    const actions = actionsOf(body)
    for (const action of actions) requireAction(context, action, bucket)
    if (actions.length === 0) {
      checkIfMatch(request, etagOf(bucket, objects.configurationOf(bucket)))
      return empty(204, { ETag: etagOf(bucket, objects.configurationOf(bucket)) })
    }
    const changed = await objects.configure(bucket, (now) => {
      checkIfMatch(request, etagOf(bucket, now))
      return patched(now, body)
    })
    return empty(204, { ETag: etagOf(bucket, changed) })
  },
})
