import { crc32 } from 'node:zlib'
import type { LevelEntry } from '../decrypt/level/log-file.ts'
import type { StoreName } from '../decrypt/rows.ts'
import type { Findings } from './findings.ts'
import type { Hits } from './hits.ts'
import { notRandom, skewed } from './randomness.ts'
import type { Search } from './search.ts'
import { EPOCH_SPACE, OWN_SPACE, SPACES } from './spaces.ts'
import type { Tally } from './tally.ts'

const SEQUENCE_BYTES = 6
const NONCE_BYTES = 8
const TAG_BYTES = 16
const SALT_BYTES = 16
const MAX_VALUE_BYTES = 64 * 1024 + 256 + SEQUENCE_BYTES + NONCE_BYTES + TAG_BYTES

/** The entries of one of the three stores, over all its files. */
export interface StoreCheck {
  /** How many bytes of the entry are sealed. */
  readonly entry: (entry: LevelEntry, where: string) => number
  /** When all files were read. */
  readonly end: () => { readonly records: number; readonly epochs: number }
}

export function checkStore(store: StoreName, search: Search, hits: Hits, tally: Tally, findings: Findings): StoreCheck {
  const epochs = new Set<number>()
  const used = new Map<number, string>()
  /** Checksum of the ciphertext under each nonce: one row may stand in several files, but no nonce seals two. */
  const nonces = new Map<number, number>()
  const counts = new Uint32Array(256)
  let total = 0

  const sealedValue = (value: Buffer, where: string): number => {
    const sealed = value.subarray(SEQUENCE_BYTES + NONCE_BYTES)
    if (sealed.length < TAG_BYTES || value.length > MAX_VALUE_BYTES) {
      findings.problem(where, `a value of ${value.length} bytes is no sealed record`)
      return 0
    }
    const epoch = value.readUInt32BE(SEQUENCE_BYTES)
    if (!used.has(epoch)) used.set(epoch, where)
    const nonce = epoch * 2 ** 32 + value.readUInt32BE(SEQUENCE_BYTES + 4)
    const sum = crc32(sealed)
    const known = nonces.get(nonce)
    if (known !== undefined && known !== sum)
      findings.problem(where, `two records are sealed under one nonce (${nonce})`)
    nonces.set(nonce, sum)
    const why = notRandom(sealed)
    if (why !== undefined) findings.problem(where, `a value that is no ciphertext: ${why}`)
    for (let index = 0; index < sealed.length; index++) {
      const byte = sealed[index] ?? 0
      counts[byte] = (counts[byte] ?? 0) + 1
    }
    total += sealed.length
    return sealed.length
  }

  return {
    entry: ({ key, value }, where) => {
      const space = key[0] ?? -1
      const at = `${where}, space ${space}`
      for (const hit of search.in(key)) hits.add(hit, where, 'the key of a row', `space ${space}`)
      if (value) for (const hit of search.in(value)) hits.add(hit, where, 'the value of a row', `space ${space}`)
      if (space >= EPOCH_SPACE) tally.row(store, space, key.length - 1, value && 0)
      if (space === OWN_SPACE) return ownRow(key, value, at, findings)
      if (space === EPOCH_SPACE) {
        if (value && (key.length !== 5 || value.length !== SEQUENCE_BYTES + SALT_BYTES))
          findings.problem(at, 'a row of epochs that is none')
        if (key.length === 5) epochs.add(key.readUInt32BE(1))
        return 0
      }
      if (!SPACES[store][space]) findings.problem(at, `a row of a space that ${store} does not have`)
      const sealedBytes = value ? sealedValue(value, at) : 0
      tally.row(store, space, key.length - 1, value && sealedBytes)
      return sealedBytes
    },
    end: () => {
      for (const [epoch, where] of used)
        if (!epochs.has(epoch)) findings.problem(where, `a record of epoch ${epoch}, which ${store} never had`)
      const why = skewed(counts, total)
      if (why !== undefined)
        findings.problem(store, `the sealed values of the store together are no ciphertext: ${why}`)
      return { records: nonces.size, epochs: epochs.size }
    },
  }
}

/** docs/storage-format.md, section 2: three kinds of rows, in clear. */
function ownRow(key: Buffer, value: Buffer | undefined, where: string, findings: Findings): number {
  const kind = String.fromCharCode(key[1] ?? 0)
  const isRight =
    value === undefined ||
    (kind === 'f' && key.length === 2 && value.toString('latin1') === 'coffer-metadata-1') ||
    (kind === 's' && key.length === 2 && (value.length === SEQUENCE_BYTES || value.length === SEQUENCE_BYTES + 16)) ||
    (kind === 'c' && value.length === 8)
  if (!isRight) findings.problem(where, 'a row of the store itself that is none')
  return 0
}
