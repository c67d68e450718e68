import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { hasErrno } from '../errno.ts'
import { SEQUENCE_KEY, sequenceOf } from './level-format.ts'
import { findTableDamage } from './table-check.ts'
import { rowInTable } from './table-row.ts'

/** What is wrong with a table. */
export interface TableFault {
  readonly file: string
  readonly offset?: number
  /** In words that follow the name of the store. */
  readonly damage: string
}

export interface TablesSurvey {
  /** In the order of their finding. */
  readonly faults: readonly TableFault[]
  /** The highest in any: how far the tables go. Undefined when none tells, 'unknown' when one cannot be read. */
  readonly sequence: number | 'unknown' | undefined
}

/**
 * LevelDB checks no checksum of a table when it reads, and ends the process where it finds a block of zeros: so all tables
 * in use are checked before it opens any, whatever their size. A read could come before a check in the background.
 * `one`: no further tables are looked at once one is not whole.
 */
export async function surveyTables(
  directory: string,
  names: readonly string[],
  tables: ReadonlyMap<number, number>,
  { one = false }: { readonly one?: boolean } = {},
): Promise<TablesSurvey> {
  const nameOf = new Map(
    names.filter((name) => /^\d+\.(ldb|sst)$/.test(name)).map((name) => [Number.parseInt(name, 10), name]),
  )
  const waiting = [...tables].values()
  const faults: TableFault[] = []
  let sequence: TablesSurvey['sequence']

  // One buffer each: new ones for hundreds of tables would not be freed in time.
  const work = async (): Promise<void> => {
    let buffer: Buffer = Buffer.alloc(0)
    for (const [number, lengthBytes] of waiting) {
      if (one && faults.length > 0) return
      const name = nameOf.get(number)
      if (buffer.length < lengthBytes) buffer = Buffer.allocUnsafeSlow(lengthBytes)
      const table = buffer.subarray(0, lengthBytes)
      const fault = name === undefined ? lostTable(number) : await wrongWith(directory, name, table)
      if (fault) faults.push(fault)
      else sequence = higher(sequence, sequenceIn(table))
    }
  }
  await Promise.all(Array.from({ length: READERS }, work))
  return { faults, sequence }
}

export const tableName = (number: number): string => `${String(number).padStart(6, '0')}.ldb`

export const lostTable = (number: number): TableFault => ({
  file: tableName(number),
  damage: `has lost the table ${number}`,
})

function sequenceIn(table: Buffer): TablesSurvey['sequence'] {
  const row = rowInTable(table, SEQUENCE_KEY)
  if (row.state === 'here') return sequenceOf(row.value)
  return row.state === 'compressed' ? 'unknown' : undefined
}

function higher(a: TablesSurvey['sequence'], b: TablesSurvey['sequence']): TablesSurvey['sequence'] {
  if (a === 'unknown' || b === 'unknown') return 'unknown'
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)
}

/** While some wait for the disk, one is checked. */
const READERS = 3

/** Reads as many bytes as `table` has room for. Throws what is no damage. */
export async function wrongWith(directory: string, file: string, table: Buffer): Promise<TableFault | undefined> {
  try {
    const got = await readInto(join(directory, file), table)
    if (got < table.length) return { file, offset: got, damage: `is cut short at byte ${got} of ${file}` }
  } catch (error) {
    // What else fails will be the same for LevelDB, which says so.
    if (hasErrno(error, 'EIO', 'EUCLEAN')) return { file, damage: `has a disk that cannot read ${file}` }
    throw error
  }
  const offset = findTableDamage(table)
  return offset === undefined ? undefined : { file, offset, damage: `is damaged at byte ${offset} of ${file}` }
}

async function readInto(path: string, bytes: Buffer): Promise<number> {
  const handle = await open(path, 'r')
  try {
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return filled
  } finally {
    await handle.close()
  }
}
