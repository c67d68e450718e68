import type { Space } from './metadata-store.ts'

/** A row that was committed, by whichever thread. */
export interface ChangedRow {
  readonly space: Space
  readonly key: Buffer
  readonly isGone: boolean
}

/**
 * Reads what there is of these rows now, all of them, and resolves to what takes it into memory at once: nobody sees half of a
 * commit. Rows of spaces that it does not know are left out.
 */
export type FollowRows = (rows: readonly ChangedRow[]) => Promise<() => void>
