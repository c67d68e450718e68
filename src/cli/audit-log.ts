import { listOf, numberOf } from './json.ts'
import type { ControlCall, Server } from './server.ts'

const PAGE = 1000

/**
 * The newest entries of the audit log that fit, newest first, and where it ended. A call looks through so many lines and says
 * where the next one goes on, found or not.
 */
export async function newestEntries(
  server: Pick<Server, 'control'>,
  filter: NonNullable<ControlCall['query']>,
  limit: number,
): Promise<{ readonly entries: readonly unknown[]; readonly latest: number }> {
  const entries: unknown[] = []
  let [latest, before]: [number | undefined, number | undefined] = [undefined, undefined]
  do {
    const query = { ...filter, before, limit: Math.min(PAGE, Math.max(1, limit - entries.length)) }
    const page = await server.control('GET', '/admin/v1/activity', { query })
    for (const entry of listOf(page, 'entries')) entries.push(entry)
    latest ??= numberOf(page, 'latest')
    before = numberOf(page, 'next')
  } while (before !== undefined && entries.length < limit)
  return { entries, latest: latest ?? 0 }
}
