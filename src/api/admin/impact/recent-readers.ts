import { z } from 'zod'
import { look } from '../activity/look.ts'
import type { AdminContext } from '../context.ts'

const HOUR_MS = 3_600_000
/** As far as a call looks; of a busy store that may be less than the hour. */
const MAX_LINES = 50_000

export const recentReaders = z
  .object({
    since: z.iso.datetime().meta({ description: 'How far back was looked: an hour, or less in a busy store.' }),
    people: z.array(
      z.object({
        id: z.string().optional(),
        name: z.string().optional(),
        uses: z.int(),
        last: z.string(),
        buckets: z.array(z.string()),
      }),
    ),
  })
  .meta({ description: 'Who had data keys opened or made under it lately. Absent for who may not read the audit log.' })
export type RecentReaders = z.output<typeof recentReaders>

/** Of the account’s own lines. Undefined for who may not read them. */
export async function recentReadersOf(
  context: AdminContext,
  isMeant: (rootKeyCrn: string, bucket: string | undefined) => boolean,
): Promise<RecentReaders | undefined> {
  const { activityLog: log, iam, principal, mayAccount, clock } = context
  if (!mayAccount('iam.audit-log.read')) return undefined
  const { accountId } = principal
  const people = new Map<string, RecentReaders['people'][number] & { readonly buckets: string[] }>()
  const sinceMs = clock.now() - HOUR_MS
  let since = new Date(sinceMs).toISOString()
  let lines = 0
  const filter = { kind: 'data-key', outcome: 'success' } as const
  for await (const { line, entry } of look({ log, iam, accountId, filter, span: { since }, order: 'newest-first' })) {
    if (entry?.key !== undefined && isMeant(entry.key, entry.said.what.bucket)) {
      const { id = '', name } = entry.said.who
      const known = people.get(id) ?? {
        id,
        ...(name === undefined ? {} : { name }),
        uses: 0,
        last: line.time,
        buckets: [],
      }
      known.uses++
      const { bucket } = entry.said.what
      if (bucket !== undefined && !known.buckets.includes(bucket)) known.buckets.push(bucket)
      people.set(id, known)
    }
    if (++lines < MAX_LINES) continue
    since = line.time
    break
  }
  return { since, people: [...people.values()].sort((one, other) => other.uses - one.uses) }
}
