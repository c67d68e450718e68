import { join } from 'node:path'
import { u32 } from './bytes.ts'
import { damaged } from './errors.ts'
import { deriveUse } from './instance-key.ts'
import { type LevelStore, openLevelStore } from './level/level-store.ts'
import { type EpochSalts, recordCipher } from './sealed-record.ts'

// docs/storage-format.md, section 2; docs/record-format.md, section 1.

export type StoreName = 'metadata' | 'iam' | 'kms'

const EPOCHS = 254
const SEQUENCE_BYTES = 6

export interface Row {
  /** Without the byte of its space. */
  readonly key: Buffer
  /** Throws Forged. */
  readonly open: () => Buffer
}

/** The rows of one of the three stores, opened one by one. */
export interface Rows {
  readonly get: (space: number, key: Buffer) => Buffer | undefined
  /** In the order of keys. */
  readonly startingWith: (space: number, prefix: Buffer) => Generator<Row>
  /** The latest salt of each epoch that the store had. */
  readonly salts: EpochSalts
  readonly warnings: readonly string[]
  readonly close: () => void
}

/** Throws Damaged. */
export const openRows = (directory: string, store: StoreName, instanceKey: Uint8Array): Rows =>
  rowsIn(openLevelStore(join(directory, store)), store, instanceKey)

/** Throws Damaged. */
export function rowsIn(level: LevelStore, store: StoreName, instanceKey: Uint8Array): Rows {
  const format = level.get(Buffer.from([255, 0x66]))
  if (format?.toString('latin1') !== 'coffer-metadata-1')
    throw damaged(`${store} is of another format: ${format?.toString('latin1') ?? 'it says none'}`)
  const salts: EpochSalts = (epoch) => {
    const stored = level.get(Buffer.concat([Buffer.of(EPOCHS), u32(epoch)]))
    return stored?.subarray(SEQUENCE_BYTES)
  }
  const cipher = recordCipher(deriveUse(instanceKey, 'records'), `records/${store}`, salts)
  const open = (stored: string, aad: Buffer, value: Buffer): Buffer => {
    const what = `row ${stored} of ${store}`
    if (value.length < SEQUENCE_BYTES) throw damaged(`${what} is too short`)
    return cipher.open(aad, value.subarray(SEQUENCE_BYTES), what)
  }
  return {
    get: (space, key) => {
      const stored = Buffer.concat([Buffer.of(space), key])
      const value = level.get(stored)
      return value && open(stored.toString('hex'), stored, value)
    },
    startingWith: function* (space, prefix) {
      const from = Buffer.concat([Buffer.of(space), prefix])
      for (const { key, value } of withPrefix(level, from))
        yield { key: key.subarray(1), open: () => open(key.toString('hex'), key, value) }
    },
    salts,
    warnings: level.warnings,
    close: level.close,
  }
}

function* withPrefix(level: LevelStore, prefix: Buffer): ReturnType<LevelStore['rows']> {
  for (const row of level.rows(prefix)) {
    if (!row.key.subarray(0, prefix.length).equals(prefix)) return
    yield row
  }
}
