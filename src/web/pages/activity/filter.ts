import type { ActivityInput } from '../../client/activity.ts'
import { inShell } from '../../in-shell.ts'

const HOUR_MS = 3_600_000

/** How far back, by what the address calls it. */
export const SPANS = { hour: HOUR_MS, day: 24 * HOUR_MS, week: 7 * 24 * HOUR_MS } as const

/** What the address asks for. Times are whole minutes, so that the same address asks the same for a while. */
export function filterOf(query: URLSearchParams): ActivityInput {
  const text = (name: string): string | undefined => query.get(name) || undefined
  const span = query.get('span')
  const since = span !== null && isSpan(span) ? Math.floor((Date.now() - SPANS[span]) / 60_000) * 60_000 : undefined
  return {
    ...{ who: text('who'), did: text('did'), what: text('what'), kind: text('kind') },
    ...{ bucket: text('bucket'), key: text('key'), outcome: text('outcome') },
    ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
  }
}

const isSpan = (text: string): text is keyof typeof SPANS => Object.hasOwn(SPANS, text)

/** The command that shows the same, as far as it narrows. */
export function commandFor({ who, did, bucket, key, outcome, since }: ActivityInput): string {
  const given = { who, did, bucket, key, outcome, since }
  const options = Object.entries(given).flatMap(([name, value]) => (value ? [` --${name} ${inShell(value)}`] : []))
  return `coffer audit --limit 100${options.join('')}`
}
