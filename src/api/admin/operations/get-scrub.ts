import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { scrubReply } from '../reply-schemas.ts'
import { faceOfScrub } from '../scrub-face.ts'

/** How far the look through all that is stored has come. It is of all buckets, so it takes a Manager of every one. */
export const getScrub = defineOperation({
  name: 'GetScrub',
  summary: 'How far the look through all that is stored has come.',
  method: 'GET',
  path: '/admin/v1/scrub',
  body: noBody,
  reply: scrubReply,
  run: async (_input, { objects, requireAll }) => {
    requireAll('s3:GetBucketUsage')
    return json(200, { scrub: faceOfScrub(objects.scrub.status()) })
  },
})
