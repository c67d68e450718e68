import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { faceOf } from '../job-face.ts'
import { jobsReply } from '../reply-schemas.ts'

/** Of the buckets that the caller manages; the latest of each. */
export const listJobs = defineOperation({
  name: 'ListJobs',
  summary: 'The latest rewrapping of each bucket.',
  method: 'GET',
  path: '/admin/v1/jobs',
  body: noBody,
  reply: jobsReply,
  run: async (_input, { objects, may }) => {
    const jobs = objects.rewraps.jobs().filter(({ bucket: name }) => {
      const bucket = objects.buckets.find(name)
      return bucket !== undefined && may(bucket, 's3:GetEncryptionConfiguration')
    })
    return json(200, { jobs: jobs.map(faceOf) })
  },
})
