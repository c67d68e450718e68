import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { scrubReply } from '../reply-schemas.ts'
import { faceOfScrub } from '../scrub-face.ts'

/** Looks through all that is stored, from the beginning, unless it is doing so. */
export const startScrub = defineOperation({
  name: 'StartScrub',
  summary: 'Looks through all that is stored now.',
  method: 'POST',
  path: '/admin/v1/scrub',
  body: noBody,
  reply: scrubReply,
  run: async (_input, { objects, requireAll }) => {
    requireAll('s3:GetBucketUsage')
    objects.scrub.begin()
    return json(202, { scrub: faceOfScrub(objects.scrub.status()) })
  },
})
