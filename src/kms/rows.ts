import { hasCode } from '../base/errors.ts'
import type { ChangedRow } from '../storage/metadata/changed-row.ts'
import { type DamagedRow, damagedRow, rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore } from '../storage/metadata/metadata-store.ts'
import type { KmsErrorCode } from './errors.ts'
import { type KmsSpace, rowsUnder } from './keyspace.ts'

export interface RowReader {
  /** May throw KeyDamaged. */
  readonly read: (row: Entry) => void
  readonly damaged: (row: Buffer, cause: unknown) => void
}

/** All rows of a space, in order, a page at a time. */
export async function eachRow(store: MetadataStore, space: KmsSpace, { read, damaged }: RowReader): Promise<void> {
  const limit = 1000
  let { gte, lt } = rowsUnder(Buffer.alloc(0))
  for (;;) {
    const page: (Entry | DamagedRow)[] = await rangeWithDamaged(store, space, { gte, lt, limit })
    for (const row of page) readRow(row, { read, damaged })
    const last = page.at(-1)
    if (last === undefined || page.length < limit) return
    gte = Buffer.concat([last.key, Buffer.from([0])])
  }
}

export function readRow(row: Entry | DamagedRow, { read, damaged }: RowReader): void {
  if ('damage' in row) damaged(row.key, row.damage)
  else attempt(row, read, damaged)
}

/** As it is stored now. */
export async function rowAgain(
  store: MetadataStore,
  { space, key }: Pick<ChangedRow, 'space' | 'key'>,
): Promise<Entry | DamagedRow | undefined> {
  try {
    return await store.get(space, key)
  } catch (error) {
    const row = damagedRow(error)
    if (!row) throw error
    return row
  }
}

function attempt(row: Entry, read: RowReader['read'], damaged: RowReader['damaged']): void {
  try {
    read(row)
  } catch (error) {
    if (!hasCode<KmsErrorCode>(error, 'KeyDamaged')) throw error
    damaged(row.key, error)
  }
}
