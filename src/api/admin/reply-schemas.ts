import { z } from 'zod'

const count = z.int().min(0)
const time = z.iso.datetime()

export const usageReply = z.object({ bucket: z.string(), objects: count, bytes: count, uploads: count })

export const job = z.object({
  bucket: z.string(),
  state: z.string().meta({ description: '`running`, `paused`, `done`, `failed`, `cancelled`' }),
  examined: count,
  rewrapped: count,
  reencrypts: z.object({ versions: count, bytes: count, damaged: count }).optional().meta({
    description:
      'Of a job that seals contents anew: how much it has. What cannot be is rewrapped, what is damaged among it, which is counted.',
  }),
  startedAt: time,
  finishedAt: time.optional(),
  problem: z.string().optional(),
  refusals: z.unknown().optional().meta({ description: 'Root keys that refuse, and with what.' }),
})
export const jobReply = z.object({ job })
export const jobsReply = z.object({ jobs: z.array(job) })

export const movedReply = z.object({
  bucket: z.string(),
  encryption: z.enum(['provider-managed', 'customer-managed']),
  rootKeyCrn: z.string(),
  job: job.optional().meta({ description: 'That rewraps what is there; absent when the bucket was there already.' }),
})

const version = z.object({
  ...{ keyVersion: z.string(), objects: count, bytes: count, uploads: count },
  ...{ metadataKeys: count, bucketKeys: count },
})

export const keyUsageReply = z.object({
  rootKeyCrn: z.string(),
  versions: z.array(version),
  buckets: z.array(z.object({ name: z.string(), current: z.boolean(), versions: z.array(version) })),
  wrapBudgets: z.array(z.looseObject({ keyVersion: z.string(), state: z.string() })).optional(),
})

export const bucketsReply = z.object({
  buckets: z.array(
    z.object({
      bucket: z.string(),
      state: z.enum(['open', 'locked', 'refused', 'unchecked']),
      reason: z.string().optional(),
      keys: z.array(
        z.object({
          rootKeyCrn: z.string(),
          state: z.string(),
          checkedAt: time.optional(),
          refusal: z.string().optional(),
        }),
      ),
      encryption: z.enum(['provider-managed', 'customer-managed']).optional(),
      rootKeyCrn: z.string().optional().meta({ description: 'Of what is new in it, if it is customer-managed.' }),
      versioning: z.enum(['Off', 'Enabled', 'Suspended']).optional(),
      usage: z.object({ objects: count, bytes: count, uploads: count }).optional(),
    }),
  ),
})

export const scrub = z.object({
  state: z.string(),
  look: z.unknown(),
  startedAt: time.optional(),
  finishedAt: time.optional(),
  dueAt: time.optional(),
  ...{ objects: count, deleteMarkers: count, uploads: count, bytes: count, bytesRead: count },
  notOpenable: z.record(z.string(), count),
  findings: count,
  notKept: count,
})
export const scrubReply = z.object({ scrub })

export const findingsReply = z.object({ findings: z.array(z.looseObject({})), notKept: count.optional() })

export const recountReply = z.object({
  exact: z.boolean(),
  found: z.unknown(),
  differences: z.array(z.unknown()),
  repaired: z.boolean(),
})
