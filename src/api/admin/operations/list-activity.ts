import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { noBody } from '../../common/json-operation.ts'
import { queryOf } from '../../common/query-of.ts'
import { json, type Reply } from '../../common/reply.ts'
import type { ApiRequest } from '../../common/request.ts'
import { type ActivityEntry, activityEntry } from '../activity/entry.ts'
import { activityFilter } from '../activity/filter.ts'
import { type Looking, look } from '../activity/look.ts'
import { type AdminContext, defineOperation } from '../context.ts'

/** A look takes so long at most, and says where the next one goes on. */
const LOOK_MS = 2000
const MAX_WAIT_SECONDS = 25

const time = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text).toISOString())
  .optional()
const takes = activityFilter.extend({
  since: time.meta({ description: 'From this time on, ISO 8601.' }),
  until: time.meta({ description: 'Before this time.' }),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  before: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .meta({ description: 'Older than this `seq`: the `next` of a page.' }),
  after: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .meta({ description: 'Newer than this `seq`, oldest first: the `latest` of a page, to follow the log.' }),
  wait: z.coerce
    .number()
    .int()
    .min(0)
    .max(MAX_WAIT_SECONDS)
    .default(0)
    .meta({ description: 'With `after`: seconds to wait for something, if there is nothing yet.' }),
  format: z
    .enum(['json', 'ndjson'])
    .optional()
    .meta({ description: '`ndjson`: the lines of the log themselves, oldest first, all of them.' }),
})
type Taken = z.output<typeof takes>

const reply = z.object({
  entries: z.array(activityEntry),
  latest: z.int().meta({ description: 'Follow from here, with `after`.' }),
  next: z.int().optional().meta({ description: 'There may be older ones: ask again, with `before`.' }),
})

export const listActivity = defineOperation({
  name: 'ListActivity',
  summary:
    'The audit log of the account: what was done, by whom, and what let them. Newest first; with `after`, oldest first.',
  method: 'GET',
  path: '/admin/v1/activity',
  takes,
  body: noBody,
  reply,
  run: async ({ request }, context) => {
    const asked = queryOf(request, takes)
    const { after, before, since, until, format } = asked
    context.requireAccount('iam.audit-log.read')
    const looking = { ...lookingFor(context, asked), span: { after, before, since, until } }
    if (format === 'ndjson' || (format === undefined && wantsLines(request))) return exported(looking, request)
    return json(
      200,
      after === undefined ? await page(looking, asked.limit) : await news(looking, asked, context, request),
    )
  },
})

const wantsLines = (request: ApiRequest): boolean => request.header('accept')?.includes('application/x-ndjson') === true

const lookingFor = ({ activityLog, iam, principal }: AdminContext, filter: Taken): Omit<Looking, 'span'> => ({
  ...{ log: activityLog, iam, accountId: principal.accountId, filter, order: 'newest-first' },
})

async function page(looking: Looking, limit: number): Promise<z.input<typeof reply>> {
  const entries: ActivityEntry[] = []
  const endsAtMs = performance.now() + LOOK_MS
  let [latest, last] = [looking.span.after ?? 0, 0]
  for await (const { line, entry } of look(looking)) {
    latest = Math.max(latest, line.seq)
    last = line.seq
    if (entry) entries.push(entry)
    if (entries.length === limit || performance.now() > endsAtMs)
      return { entries, latest, ...(last > 1 ? { next: last } : {}) }
  }
  return { entries, latest }
}

/** What came after the last one that the caller knows. What comes is told as soon as it is in the log. */
async function news(
  looking: Looking,
  { after = 0, limit, wait }: Taken,
  { activityLog, requireAccount }: AdminContext,
  { signal }: ApiRequest,
): Promise<z.input<typeof reply>> {
  const ended = sleep(wait * 1000, 'ended' as const, { signal, ref: false }).catch(() => 'ended' as const)
  let latest = after
  for (;;) {
    const grown = activityLog.grown().then(() => 'grown' as const)
    const entries: ActivityEntry[] = []
    const endsAtMs = performance.now() + LOOK_MS
    let isCut = false
    for await (const { line, entry } of look({
      ...looking,
      order: 'oldest-first',
      span: { ...looking.span, after: latest },
    })) {
      latest = line.seq
      if (entry) entries.push(entry)
      isCut = entries.length === limit || performance.now() > endsAtMs
      if (isCut) break
    }
    const isOver = entries.length > 0 || isCut || wait === 0
    if (isOver || (await Promise.race([grown, ended])) === 'ended') return { entries, latest }
    // Whoever lost the right while waiting is told nothing more.
    requireAccount('iam.audit-log.read')
  }
}

function exported(looking: Looking, { signal }: ApiRequest): Reply {
  const lines = async function* () {
    for await (const { line, entry } of look({ ...looking, order: 'oldest-first' })) {
      if (signal.aborted) return
      if (entry) yield `${line.text}\n`
    }
  }
  return { status: 200, headers: { 'Content-Type': 'application/x-ndjson' }, body: Readable.from(lines()) }
}
