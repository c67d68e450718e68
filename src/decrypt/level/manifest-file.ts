import { damaged } from '../errors.ts'
import { levelReader } from './encoding.ts'
import { readLog } from './log-file.ts'

export interface LevelFile {
  readonly number: number
  readonly level: number
  readonly smallest: Buffer
}

export interface LevelManifest {
  /** Logs with smaller numbers are in the tables already. */
  readonly logNumber: number
  readonly tables: readonly LevelFile[]
  /** Where the last whole edit ends. */
  readonly end: number
}

const [COMPARATOR, LOG_NUMBER, NEXT_FILE, LAST_SEQUENCE, COMPACT_POINTER, DELETED_FILE, NEW_FILE, PREVIOUS_LOG] = [
  1, 2, 3, 4, 5, 6, 7, 9,
]

/** LevelDB's manifest: a log of edits, after all of which the store consists of what is left. Throws Damaged. */
export function readLevelManifest(bytes: Buffer, what: string): LevelManifest {
  const tables = new Map<number, LevelFile>()
  let logNumber = 0
  const { records, end } = readLog(bytes)
  for (const { data } of records) {
    const source = levelReader(data, what)
    const { varint, text } = source
    while (!source.atEnd()) {
      const tag = varint()
      if (tag === COMPARATOR) text()
      else if (tag === LOG_NUMBER) logNumber = varint()
      else if (tag === NEXT_FILE || tag === LAST_SEQUENCE || tag === PREVIOUS_LOG) varint()
      else if (tag === COMPACT_POINTER) [varint(), text()]
      else if (tag === DELETED_FILE) {
        varint()
        tables.delete(varint())
      } else if (tag === NEW_FILE) {
        const [level, number] = [varint(), varint()]
        varint()
        tables.set(number, { level, number, smallest: text() })
        text()
      } else throw damaged(`${what} has an edit that is not known (${tag})`)
    }
  }
  return { logNumber, tables: [...tables.values()], end }
}
