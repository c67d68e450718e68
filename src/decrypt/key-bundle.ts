import { readFileSync } from 'node:fs'
import { KEY_BYTES } from './ciphers.ts'
import { damaged, usage } from './errors.ts'
import { instanceKeyId } from './instance-key.ts'
import { members, parseJson, textIn } from './json.ts'
import type { LevelRow, LevelStore } from './level/level-store.ts'
import { openPassphraseSeal } from './passphrase.ts'

// docs/backup.md, sections 2.3 and 2.5.

const MAGIC = 'CKB1'
const PAIR_HEADER_BYTES = 6

export interface KeyBundle {
  readonly instanceKey: Buffer
  /** The rows of the store `kms` when the bundle was made; none where that was elsewhere. */
  readonly kms: readonly LevelRow[]
}

/** Throws KeyWrong, Damaged, Usage. */
export function readKeyBundle(path: string, passphrase: string): KeyBundle {
  const bundle = members(parseJson(readBundleFile(path), path), path)
  if (bundle['format'] !== 'coffer-keys-1') throw damaged(`${path} is no key bundle, or of a later version`)
  const keyId = textIn(bundle, 'instanceKeyId', path)
  const context = ['key-bundle', keyId, textIn(bundle, 'createdAt', path)]
  const plaintext = openPassphraseSeal({ members: bundle, context, keyId }, passphrase, path)
  const instanceKey = plaintext.subarray(MAGIC.length, MAGIC.length + KEY_BYTES)
  if (plaintext.toString('latin1', 0, MAGIC.length) !== MAGIC || instanceKeyId(instanceKey) !== keyId)
    throw damaged(`${path} holds something else than it says`)
  return { instanceKey, kms: pairsIn(plaintext.subarray(MAGIC.length + KEY_BYTES), path) }
}

function readBundleFile(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw usage(`the key bundle ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function pairsIn(bytes: Buffer, path: string): LevelRow[] {
  const rows: LevelRow[] = []
  for (let at = 0; at < bytes.length; ) {
    const from = at + PAIR_HEADER_BYTES
    const middle = from > bytes.length ? Number.POSITIVE_INFINITY : from + bytes.readUInt16BE(at)
    const end = middle > bytes.length ? Number.POSITIVE_INFINITY : middle + bytes.readUInt32BE(at + 2)
    if (end > bytes.length) throw damaged(`${path} has rows that are cut off`)
    rows.push({ key: bytes.subarray(from, middle), value: bytes.subarray(middle, end) })
    at = end
  }
  return rows
}

/** Rows as a store has them. */
export const storeOf = (rows: readonly LevelRow[]): LevelStore => ({
  rows: function* (from, before) {
    for (const row of rows) if (row.key.compare(from) >= 0 && !(before && row.key.compare(before) >= 0)) yield row
  },
  get: (key) => rows.find((row) => row.key.equals(key))?.value,
  warnings: [],
  close: () => {},
})
