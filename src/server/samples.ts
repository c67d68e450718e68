import type { Samples, StoredSample } from '../api/admin/samples.ts'
import type { Clock } from '../base/clock.ts'
import type { EncryptionUsage } from '../objects/key-usage.ts'
import { type Figures, figuresBetween } from '../observe/figures.ts'
import type { Metric } from '../observe/metrics.ts'

const MINUTE_MS = 60_000
const MINUTES = 24 * 60
const MINUTES_AN_HOUR = 60
/** A quarter of a year. */
const HOURS = 92 * 24

export interface SamplesOptions {
  readonly clock: Clock
  /** Counters; no request pays for their being read. */
  readonly read: () => Promise<readonly Metric[]>
  readonly stored: () => Promise<EncryptionUsage>
  readonly onError: (error: unknown) => void
}

/** Looks at the counters once a minute, and once an hour at what is stored. All of it is in memory, and begins anew with the process. */
export function takeSamples({ clock, read, stored, onError }: SamplesOptions): Samples & Disposable {
  const since = clock.now()
  const minutes: { readonly atMs: number; readonly figures: Figures }[] = []
  const hours: StoredSample[] = []
  let latest: { readonly atMs: number; readonly metrics: readonly Metric[] } = { atMs: since, metrics: [] }
  let ticks = 0

  const sample = async (): Promise<void> => {
    const atMs = clock.now()
    const metrics = await read()
    minutes.push({ atMs, figures: figuresBetween(latest.metrics, metrics) })
    if (minutes.length > MINUTES) minutes.shift()
    latest = { atMs, metrics }
    if (ticks++ % MINUTES_AN_HOUR > 0) return
    hours.push({ atMs, ...(await stored()) })
    if (hours.length > HOURS) hours.shift()
  }
  const timer = setInterval(() => void sample().catch(onError), MINUTE_MS).unref()
  return {
    since,
    intervalMs: MINUTE_MS,
    minutes: (afterMs = 0) => minutes.filter(({ atMs }) => atMs > afterMs),
    underWay: async () => {
      const { atMs: sinceMs, metrics } = latest
      return { sinceMs, atMs: clock.now(), figures: figuresBetween(metrics, await read()) }
    },
    stored: (afterMs = 0) => hours.filter(({ atMs }) => atMs > afterMs),
    storedNow: async () => ({ atMs: clock.now(), ...(await stored()) }),
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
