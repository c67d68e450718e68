import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasErrno } from '../errno.ts'
import { readManifest } from './level-files.ts'
import { encodeValue, FORMAT, FORMAT_KEY, SEQUENCE_KEY, sequenceOf } from './level-format.ts'
import type { LevelManifest, TableBounds } from './level-manifest.ts'
import type { LogMark } from './log-mark.ts'
import { NONCE_SPACE } from './nonce-source.ts'
import { salvageLog } from './salvage-log.ts'
import { type FoundWrite, type LostRange, salvageTable } from './salvage-table.ts'
import type { StoredPair } from './stored-rows.ts'

export interface SalvageOptions {
  readonly mark: LogMark
  /** Whether the value, with its sequence number before it, is one that was stored under the key. */
  readonly isAuthentic: (key: Buffer, stored: Buffer, saltOf: (epoch: number) => Buffer | undefined) => boolean
  /** The sequence number that the store had reached, where that is known. */
  readonly reached: number
}

/** Where rows are missing, or not known to be the newest. */
export interface LostRows extends LostRange {
  readonly file: string
}

export interface SalvagedLevel {
  /** Ascending; with what a store says of itself. */
  readonly pairs: readonly StoredPair[]
  readonly sequence: number
  readonly lost: readonly LostRows[]
  /** Keys of rows of which a newer state may be lost: they were changed, or deleted, for all that is known. */
  readonly doubtful: ReadonlySet<string>
  /** Rows that were found in damaged blocks, and authenticate. */
  readonly rescued: number
}

/** Newest first. */
interface Source {
  readonly file: string
  readonly rank: number
  readonly writes: readonly FoundWrite[]
  readonly lost: readonly LostRange[]
}

const OWN_SPACE = 0xff
const COUNTER = 0x63
const EPOCH_KEY_BYTES = 5
const STORED_SALT_BYTES = 22

/** Name of a row in `doubtful`. */
export const nameOfRow = (key: Buffer): string => key.toString('latin1')

/**
 * All rows of a store of which files are damaged or missing, and what is not there any more. Takes as much memory as its tables.
 * Changes nothing. A level of LevelDB is newer than the one below it: what is lost of a table makes older states of the same
 * rows doubtful.
 */
export async function salvageLevel(directory: string, options: SalvageOptions): Promise<SalvagedLevel> {
  const { mark, isAuthentic, reached } = options
  const sources = await sourcesOf(directory, mark)
  const candidates = new Map<string, (FoundWrite & { readonly rank: number })[]>()
  for (const { writes, rank } of sources) {
    for (const write of writes) {
      const name = nameOfRow(write.key)
      const known = candidates.get(name)
      if (known) known.push({ ...write, rank })
      else candidates.set(name, [{ ...write, rank }])
    }
  }
  const saltOf = saltsOf(candidates)
  const isGood = ({ key, value, sure }: FoundWrite): boolean => {
    if (sure || value === undefined) return true
    if (key[0] === NONCE_SPACE) return key.length === EPOCH_KEY_BYTES && value.length === STORED_SALT_BYTES
    return key[0] !== OWN_SPACE && isAuthentic(key, value, saltOf)
  }
  // What a log has lost is the end of the store, or a piece of its history: all rows go back behind it alike.
  const lost = sources.flatMap(({ file, rank, lost: ranges }) =>
    ranges.map((range) => ({ ...range, file, rank: rank === 0 ? Number.POSITIVE_INFINITY : rank })),
  )
  const pairs: StoredPair[] = []
  const doubtful = new Set<string>()
  let sequence = reached
  let rescued = 0
  for (const [name, all] of candidates) {
    all.sort((a, b) => (a.number === b.number ? a.rank - b.rank : a.number > b.number ? -1 : 1))
    const newest = all.find(isGood)
    if (!newest || newest.value === undefined) continue
    const { key, value, rank } = newest
    if (key[0] === OWN_SPACE) {
      if (key.equals(SEQUENCE_KEY)) sequence = Math.max(sequence, sequenceOf(value))
      if (key[1] === COUNTER) pairs.push([key, value])
      continue
    }
    const uncertain = newest !== all[0] || (!newest.sure && all.length > 1)
    if (uncertain || lost.some((range) => range.rank < rank && isWithin(key, range))) doubtful.add(name)
    if (!newest.sure) rescued++
    if (key[0] !== NONCE_SPACE) sequence = Math.max(sequence, sequenceOf(value))
    pairs.push([key, value])
  }
  pairs.push([SEQUENCE_KEY, encodeValue(sequence, mark(sequence))], [FORMAT_KEY, FORMAT])
  pairs.sort(([a], [b]) => a.compare(b))
  return { pairs, sequence, lost: lost.map(({ rank: _, ...range }) => range), doubtful, rescued }
}

const isWithin = (key: Buffer, { after, last }: LostRange): boolean =>
  (!after || key.compare(after) > 0) && (!last || key.compare(last) <= 0)

function saltsOf(candidates: ReadonlyMap<string, readonly FoundWrite[]>): (epoch: number) => Buffer | undefined {
  const salts = new Map<number, Buffer>()
  for (const writes of candidates.values()) {
    const [{ key, value } = { key: Buffer.alloc(0), value: undefined }] = writes
    if (key[0] !== NONCE_SPACE || key.length !== EPOCH_KEY_BYTES || value?.length !== STORED_SALT_BYTES) continue
    salts.set(key.readUInt32BE(1), value.subarray(6))
  }
  return (epoch) => salts.get(epoch)
}

/**
 * Logs, then the tables of each level; those of level 0 by their numbers. Where no manifest says, all tables are alike: also
 * where it says so up to its damage, for behind that tables may have been made, moved and removed.
 */
async function sourcesOf(directory: string, mark: LogMark): Promise<Source[]> {
  const names = await readdir(directory).catch(noneThere)
  const manifest = names.includes('CURRENT') ? await readManifest(directory) : undefined
  const known = manifest && manifest.logNumber > 0 && manifest.damagedAt === undefined ? manifest : undefined
  const logs = names.filter((name) => /^\d+\.log$/.test(name)).sort((a, b) => numberOf(b) - numberOf(a))
  const sources: Source[] = []
  for (const file of logs.filter((name) => numberOf(name) >= (known?.logNumber ?? 0))) {
    const { writes, damaged } = salvageLog(await readAll(join(directory, file)), mark)
    sources.push({ file, rank: 0, writes, lost: damaged ? [{ after: undefined, last: undefined }] : [] })
  }
  // What the end of a log held nobody knows; a log that is not there is such an end.
  if (known && !logs.some((name) => numberOf(name) === known.logNumber)) {
    sources.push({ file: 'log', rank: 0, writes: [], lost: [{ after: undefined, last: undefined }] })
  }
  const there = new Map(names.filter((name) => /^\d+\.(ldb|sst)$/.test(name)).map((name) => [numberOf(name), name]))
  const numbers = known ? inUse(known, logs.map(numberOf), [...there.keys()]) : [...there.keys()]
  for (const number of numbers) {
    const file = there.get(number)
    const bounds = known?.bounds.get(number)
    const table = file === undefined ? Buffer.alloc(0) : await readAll(join(directory, file))
    const { writes, lost } = salvageTable(table)
    const name = file ?? `${String(number).padStart(6, '0')}.ldb`
    sources.push({ file: name, rank: rankOf(number, bounds), writes, lost: bounded(lost, writes, bounds) })
  }
  return sources
}

/**
 * Others than those that the manifest names wait to be removed, or were being written. But where it names what is not there,
 * it may itself be of an earlier time, cut short between two of its edits: then what was made later counts as well.
 */
function inUse({ logNumber, tables }: LevelManifest, logs: readonly number[], there: readonly number[]): number[] {
  const named = [...tables.keys()]
  if (logs.includes(logNumber) && named.every((number) => there.includes(number))) return named
  const last = Math.max(0, ...named)
  return [...named, ...there.filter((number) => number > last)]
}

const numberOf = (name: string): number => Number.parseInt(name, 10)

const LEVEL = 2 ** 32

/** Lower is newer. Between logs, which have 0, and level 1 come the tables of level 0, the latest first. */
const rankOf = (number: number, bounds: TableBounds | undefined): number => {
  if (!bounds) return LEVEL
  return bounds.level === 0 ? LEVEL - number : (bounds.level + 1) * LEVEL
}

function bounded(
  lost: readonly LostRange[],
  writes: readonly FoundWrite[],
  bounds: TableBounds | undefined,
): LostRange[] {
  return lost.flatMap((range): LostRange[] => {
    const last = range.last ?? bounds?.last
    // It had been read to its end.
    if (!range.last && bounds && writes.at(-1)?.key.equals(bounds.last) === true) return []
    return [{ after: range.after ?? (bounds ? before(bounds.first) : undefined), last }]
  })
}

/** The first key of a table is within what may be lost of it. */
const before = (key: Buffer): Buffer | undefined => (key.length === 0 ? undefined : key.subarray(0, key.length - 1))

async function readAll(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    if (hasErrno(error, 'EIO', 'EUCLEAN', 'ENOENT')) return Buffer.alloc(0)
    throw error
  }
}

function noneThere(error: unknown): string[] {
  if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return []
  throw error
}
