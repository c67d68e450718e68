import { z } from 'zod'
import type { BucketKeyState } from '../../../objects/key-checks.ts'
import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { type AdminContext, defineOperation } from '../context.ts'
import { faceOf } from '../job-face.ts'
import { rootKeyFace, STATE_NAMES } from '../key-sight.ts'
import { job, scrub } from '../reply-schemas.ts'
import { faceOfScrub } from '../scrub-face.ts'

const usage = z.object({ objects: z.int(), bytes: z.int(), uploads: z.int() })
const states = z.enum(['open', 'locked', 'refused', 'unchecked'])

const reply = z.object({
  buckets: z.object({
    total: z.int().meta({ description: 'Of those that the caller manages, as all that follows.' }),
    byState: z.record(states, z.int()).meta({
      description:
        '`open`: all root keys are the right ones. `locked`: one answers with other key material. `refused`: a key service refuses, or is out of reach.',
    }),
  }),
  stored: z.object({ providerManaged: usage, customerManaged: usage }),
  closed: z
    .array(
      z.object({
        bucket: z.string(),
        state: z.enum(['locked', 'refused']),
        rootKeys: z.array(rootKeyFace.extend({ cause: z.string() })),
      }),
    )
    .meta({
      description: 'Buckets of which something cannot be read, and why: `RootKeyDisabled`, `KeyAccessDenied`, …',
    }),
  rootKeys: z.object({ total: z.int(), byState: z.partialRecord(z.enum(STATE_NAMES), z.int()) }),
  jobs: z.array(job).meta({ description: 'Those that are not over.' }),
  scrub: scrub.optional().meta({ description: 'To who manages every bucket.' }),
  ready: z.boolean(),
  problems: z.array(z.string()).meta({ description: 'As `/health/ready` tells them.' }),
  startedAt: z.iso.datetime(),
})

export const getOverview = defineOperation({
  name: 'GetOverview',
  summary:
    'What there is and how it is: buckets, stored bytes by encryption, root keys by state, what cannot be read and why.',
  method: 'GET',
  path: '/admin/v1/overview',
  body: noBody,
  reply,
  run: async (_input, context) => {
    const { objects, may, managesAll, readiness, samples } = context
    const buckets = objects.buckets.all().filter((bucket) => may(bucket, 's3:GetEncryptionConfiguration'))
    const names = new Set(buckets.map(({ name }) => name))
    const keyStates = objects.keyChecks.states().filter(({ bucket }) => names.has(bucket))
    const used = await objects.encryptionUsage(buckets)
    const jobs = objects.rewraps.jobs().filter(({ bucket, state }) => names.has(bucket) && state !== 'done')
    const { ok, problems = [] } = readiness()
    return json(200, {
      buckets: { total: buckets.length, byState: byState(keyStates) },
      stored: { providerManaged: used['provider-managed'], customerManaged: used['customer-managed'] },
      closed: keyStates.flatMap((one) => closedFace(context, one)),
      rootKeys: rootKeysOf(context),
      jobs: jobs.map(faceOf),
      ...(managesAll('s3:GetBucketUsage') ? { scrub: faceOfScrub(objects.scrub.status()) } : {}),
      ...{ ready: ok, problems, startedAt: new Date(samples.since).toISOString() },
    })
  },
})

function byState(all: readonly BucketKeyState[]): Record<BucketKeyState['state'], number> {
  const counts = { open: 0, locked: 0, refused: 0, unchecked: 0 }
  for (const { state } of all) counts[state]++
  return counts
}

function closedFace({ keys }: AdminContext, { bucket, state, keys: standings }: BucketKeyState) {
  if (state !== 'locked' && state !== 'refused') return []
  const rootKeys = standings.flatMap(({ rootKeyCrn, state: key, refusal }) => {
    const cause = key === 'wrong' ? 'BucketKeyWrong' : refusal
    return cause === undefined ? [] : [[rootKeyCrn, cause] as const]
  })
  // Several slots may be under one root key.
  return [{ bucket, state, rootKeys: Array.from(new Map(rootKeys), ([crn, cause]) => ({ ...keys.of(crn), cause })) }]
}

/** Of the instances of the caller's account. */
function rootKeysOf({ iam, principal: { accountId }, keys }: AdminContext) {
  const counts: Record<string, number> = {}
  for (const { guid } of iam.instances({ service: 'kms', accountId })) {
    for (const [state, count] of keys.states(guid)) counts[state] = (counts[state] ?? 0) + count
  }
  return { total: Object.values(counts).reduce((sum, count) => sum + count, 0), byState: counts }
}
