import { z } from 'zod'
import type { Figures } from '../../../observe/figures.ts'
import { noBody } from '../../common/json-operation.ts'
import { queryOf } from '../../common/query-of.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import type { StoredSample } from '../samples.ts'

const takes = z.object({
  after: z.iso.datetime({ offset: true }).optional().meta({ description: 'Only those that came after this time.' }),
})

const seconds = z.array(z.int()).meta({ description: 'Seconds since 1970.' })
const counts = z.array(z.number())
const spans = z.array(z.number().nullable()).meta({ description: 'Milliseconds; null when there was no request.' })
const usage = z.object({ objects: z.int(), bytes: z.int(), uploads: z.int() })
const stored = z.object({ at: z.iso.datetime(), providerManaged: usage, customerManaged: usage })

const reply = z.object({
  since: z.iso.datetime().meta({ description: 'This process started: there is nothing from before.' }),
  intervalSeconds: z.number(),
  minutes: z
    .object({
      at: seconds,
      ...{ requests: counts, refused: counts, failed: counts, receivedBytes: counts, sentBytes: counts },
      ...{ p50Ms: spans, p95Ms: spans, p99Ms: spans },
      ...{ keyCalls: counts, keyFailures: counts, unwraps: counts, controlRequests: counts },
    })
    .meta({
      description:
        'Of S3, and of key services: columns of one length, oldest first. The last one is the minute under way.',
    }),
  stored: z.array(stored).optional().meta({ description: 'By the hour, and now; to who manages every bucket.' }),
})

export const getSamples = defineOperation({
  name: 'GetSamples',
  summary: 'Requests, errors, latencies, bytes and unwraps by the minute of the last day; stored bytes by the hour.',
  method: 'GET',
  path: '/admin/v1/samples',
  takes,
  body: noBody,
  reply,
  run: async ({ request }, { samples, managesAll }) => {
    const { after } = queryOf(request, takes)
    const afterMs = after === undefined ? undefined : Date.parse(after)
    const rows = [...samples.minutes(afterMs), await samples.underWay()]
    const column = (name: keyof Figures) => rows.map(({ figures }) => figures[name] ?? null)
    return json(200, {
      since: new Date(samples.since).toISOString(),
      intervalSeconds: samples.intervalMs / 1000,
      minutes: {
        at: rows.map(({ atMs }) => Math.floor(atMs / 1000)),
        ...Object.fromEntries(COLUMNS.map((name) => [name, column(name)])),
      },
      ...(managesAll('s3:GetBucketUsage')
        ? { stored: [...samples.stored(afterMs), await samples.storedNow()].map(faceOf) }
        : {}),
    })
  },
})

const COLUMNS = [
  ...(['requests', 'refused', 'failed', 'receivedBytes', 'sentBytes', 'p50Ms', 'p95Ms', 'p99Ms'] as const),
  ...(['keyCalls', 'keyFailures', 'unwraps', 'controlRequests'] as const),
] satisfies readonly (keyof Figures)[]

const faceOf = ({ atMs, ...usages }: StoredSample) => ({
  at: new Date(atMs).toISOString(),
  providerManaged: usages['provider-managed'],
  customerManaged: usages['customer-managed'],
})
