import type { MetadataStore, Space } from '../storage/metadata/metadata-store.ts'
import { recount } from './recount.ts'

/** What was found to be damaged while something else was served. */
export interface Damage {
  /** Told once of each row in the life of the process. `what` is damaged, in words. */
  readonly found: (space: Space, row: Buffer, what: string, cause: unknown) => void
  /** What damaged records had counted is not known: counts all in the background, and mends the counters. */
  readonly recount: () => void
  /** Resolves when nothing is counted any more. */
  readonly settled: () => Promise<void>
}

/** Rows that are remembered as told of. */
const MAX_TOLD = 10_000

export function damageBook(metadata: MetadataStore, onError: (error: unknown) => void): Damage {
  const told = new Set<string>()
  let counting: Promise<unknown> = Promise.resolve()
  return {
    found: (space, row, what, cause) => {
      const name = `${space} ${row.toString('hex')}`
      if (told.has(name) || told.size >= MAX_TOLD) return
      told.add(name)
      onError(new Error(`${what} is damaged`, { cause }))
    },
    recount: () => {
      counting = counting.then(() => recount(metadata, { repair: true })).catch(onError)
    },
    settled: async () => void (await counting),
  }
}
