import { z } from 'zod'
import type { AnswerOf } from '../common/json-operation.ts'

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
  refusals: z
    .array(z.object({ rootKeyCrn: z.string(), problem: z.string() }))
    .optional()
    .meta({ description: 'Root keys that refuse, and with what.' }),
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
  rewrapsByItself: z
    .boolean()
    .meta({ description: 'After a rotation, with nobody asking for it (`COFFER_REWRAP_AUTOMATIC`).' }),
  wrapBudgets: z
    .array(
      z.object({
        ...{ rootKeyCrn: z.string(), keyVersion: z.string(), wraps: count, limit: count },
        state: z.enum(['below', 'near', 'spent']),
      }),
    )
    .optional(),
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
  look: count.meta({ description: 'How many there have been, with this one.' }),
  startedAt: time.optional(),
  finishedAt: time.optional(),
  dueAt: time.optional(),
  ...{ objects: count, deleteMarkers: count, uploads: count, bytes: count, bytesRead: count },
  notOpenable: z.record(z.string(), count),
  findings: count,
  notKept: count,
})
export const scrubReply = z.object({ scrub })

const finding = z.object({
  kind: z.string(),
  ...{ bucket: z.string().optional(), key: z.string().optional(), versionId: z.string().optional() },
  ...{ uploadId: z.string().optional(), part: z.int().optional(), blob: z.string().optional() },
  ...{ file: z.string().optional(), offset: count.optional() },
  ...{ damage: z.string(), advice: z.string() },
})
export const findingsReply = z.object({ findings: z.array(finding), notKept: count.optional() })

export const verification = z.object({
  ...{ bucket: z.string(), prefix: z.string(), checksums: z.boolean() },
  state: z.enum(['waiting', 'running', 'ended', 'stopped', 'failed']).meta({
    description: '`waiting`: others are looked through first.',
  }),
  startedAt: time,
  finishedAt: time.optional(),
  ...{ objects: count, deleteMarkers: count, uploads: count, bytes: count, bytesRead: count },
  notOpenable: z.record(z.string(), count),
  findings: z.array(finding),
  notKept: count.meta({ description: 'Findings beyond those.' }),
})
export const verificationReply = z.object({ verification })
export const latestVerificationReply = z.object({
  verification: verification.optional().meta({ description: 'Absent when there was none since the server started.' }),
})

export const recountReply = z.object({
  exact: z.boolean(),
  found: z.record(z.string(), count).meta({ description: 'What the records say.' }),
  differences: z.array(
    z.object({
      ...{ bucketId: z.string(), slot: z.int().optional(), keyVersion: z.string().optional() },
      ...{ counted: z.string(), stored: z.number(), found: z.number() },
    }),
  ),
  repaired: z.boolean(),
})

export type JobAnswer = AnswerOf<typeof job>
export type ScrubAnswer = AnswerOf<typeof scrub>
export type VerificationAnswer = AnswerOf<typeof verification>
