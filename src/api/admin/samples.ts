import type { EncryptionUsage } from '../../objects/key-usage.ts'
import type { Figures } from '../../observe/figures.ts'

export interface StoredSample extends EncryptionUsage {
  readonly atMs: number
}

/** What was going on, since this process started. */
export interface Samples {
  readonly since: number
  readonly intervalMs: number
  /** Oldest first; each of the time up to `atMs`. */
  readonly minutes: (afterMs?: number) => readonly { readonly atMs: number; readonly figures: Figures }[]
  /** Since the latest of them. */
  readonly underWay: () => Promise<{ readonly sinceMs: number; readonly atMs: number; readonly figures: Figures }>
  readonly stored: (afterMs?: number) => readonly StoredSample[]
  readonly storedNow: () => Promise<StoredSample>
}
