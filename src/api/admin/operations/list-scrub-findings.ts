import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { findingsReply } from '../reply-schemas.ts'

/** Of the buckets that the caller manages; what is of no bucket that there is, to a Manager of every one. */
export const listScrubFindings = defineOperation({
  name: 'ListScrubFindings',
  summary: 'What the look through all that is stored found damaged.',
  method: 'GET',
  path: '/admin/v1/scrub/findings',
  body: noBody,
  reply: findingsReply,
  run: async (_input, { objects, may, managesAll }) => {
    const buckets = objects.buckets.all()
    const managed = new Set(buckets.filter((bucket) => may(bucket, 's3:GetBucketUsage')).map(({ name }) => name))
    const all = managesAll('s3:GetBucketUsage')
    const findings = objects.scrub
      .findings()
      .filter(({ bucket }) => all || (bucket !== undefined && managed.has(bucket)))
    return json(200, { findings, ...(all ? { notKept: objects.scrub.status().notKept } : {}) })
  },
})
