export interface Measured {
  readonly operation: string
  readonly count: number
  readonly failed: number
  readonly bytes: number
  readonly perSecond: number
  readonly bytesPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export interface Work {
  readonly operation: string
  /** Bytes of content that went over the wire. */
  readonly run: () => Promise<number>
}

export interface Load {
  readonly next: () => Work
  readonly seconds: number
  readonly parallel: number
  readonly signal: AbortSignal
  readonly onBytes: (bytes: number) => void
  readonly onFailed: (operation: string, error: unknown) => void
}

interface Tally {
  readonly tookMs: number[]
  bytes: number
  failed: number
}

/** So many at once until the time is up, each worker one thing after the other. What was begun is finished. */
export async function measured(load: Load): Promise<readonly Measured[]> {
  const tallies = new Map<string, Tally>()
  const startedMs = performance.now()
  const endMs = startedMs + load.seconds * 1000
  const worker = async (): Promise<void> => {
    while (performance.now() < endMs && !load.signal.aborted) {
      const { operation, run } = load.next()
      const tally = tallies.get(operation) ?? { tookMs: [], bytes: 0, failed: 0 }
      tallies.set(operation, tally)
      const beganMs = performance.now()
      try {
        const bytes = await run()
        tally.tookMs.push(performance.now() - beganMs)
        tally.bytes += bytes
        load.onBytes(bytes)
      } catch (error) {
        if (load.signal.aborted) throw error
        if (tally.failed++ === 0) load.onFailed(operation, error)
      }
    }
  }
  await Promise.all(Array.from({ length: load.parallel }, worker))
  const seconds = (performance.now() - startedMs) / 1000
  return [...tallies].map(([operation, { tookMs, bytes, failed }]) => {
    const sorted = tookMs.toSorted((a, b) => a - b)
    return {
      ...{ operation, count: sorted.length, failed, bytes },
      ...{ perSecond: rounded(sorted.length / seconds), bytesPerSecond: Math.round(bytes / seconds) },
      ...{ p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99), maxMs: percentile(sorted, 1) },
    }
  })
}

/** Of ascending values: the least that so large a share of them does not exceed. 0 for none. */
export const percentile = (ascending: readonly number[], share: number): number =>
  rounded(ascending[Math.max(0, Math.ceil(ascending.length * share) - 1)] ?? 0)

const rounded = (value: number): number => Math.round(value * 100) / 100
