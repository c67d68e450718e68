import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { damaged } from '../errors.ts'
import { type LevelEntry, readBatch, readLog } from './log-file.ts'
import { type LevelFile, readLevelManifest } from './manifest-file.ts'
import { openTable, type TableFile } from './table-file.ts'

export interface LevelRow {
  readonly key: Buffer
  readonly value: Buffer
}

/** A LevelDB that no process writes to, read out of its files. Nothing is written, not even a lock. */
export interface LevelStore {
  /** In the order of keys: from `from`, to before `before`. Throws Damaged. */
  readonly rows: (from: Buffer, before?: Buffer) => Generator<LevelRow>
  readonly get: (key: Buffer) => Buffer | undefined
  /** What is to be told of it, though it could be read: files that end with something else, a log that is not there. */
  readonly warnings: readonly string[]
  readonly close: () => void
}

type Entries = (from: Buffer) => Iterator<LevelEntry>

/** Throws Damaged. */
export function openLevelStore(directory: string): LevelStore {
  const current = join(directory, 'CURRENT')
  if (!existsSync(current)) throw damaged(`${directory} is no LevelDB: it has no file CURRENT`)
  const manifest = join(directory, readFileSync(current, 'latin1').trim())
  const edits = readFileSync(manifest)
  const { logNumber, tables, end } = readLevelManifest(edits, manifest)
  const { recent, warnings } = readLogs(directory, logNumber)
  warnings.push(...unread(manifest, edits, end))
  const open = new Map<number, TableFile>()
  const table = ({ number }: LevelFile): TableFile => {
    const known = open.get(number)
    if (known) return known
    const opened = openTable(tablePath(directory, number))
    open.set(number, opened)
    return opened
  }
  const sources = [recent, ...levelsOf(tables).map((run) => inSequence(run, table))]

  const rows = function* (from: Buffer, before?: Buffer): Generator<LevelRow> {
    for (const { key, value } of merged(sources, from)) {
      if (before && key.compare(before) >= 0) return
      if (value) yield { key, value }
    }
  }
  return {
    rows,
    get: (key) => rows(key, Buffer.concat([key, Buffer.of(0)])).next().value?.value,
    warnings,
    close: () => {
      for (const { close } of open.values()) close()
    },
  }
}

export function tablePath(directory: string, number: number): string {
  const name = join(directory, String(number).padStart(6, '0'))
  return existsSync(`${name}.ldb`) || !existsSync(`${name}.sst`) ? `${name}.ldb` : `${name}.sst`
}

/** What no table holds yet. */
function readLogs(directory: string, logNumber: number): { readonly recent: Entries; readonly warnings: string[] } {
  const warnings: string[] = []
  const newest = new Map<string, LevelEntry>()
  const names = readdirSync(directory).filter((name) => /^\d+\.log$/.test(name))
  // LevelDB always has it.
  if (logNumber > 0 && !names.some((name) => Number.parseInt(name, 10) === logNumber))
    warnings.push(
      `${join(directory, `${String(logNumber).padStart(6, '0')}.log`)} is not there: what was written last is missing`,
    )
  for (const name of names.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))) {
    if (Number.parseInt(name, 10) < logNumber) continue
    const path = join(directory, name)
    const bytes = readFileSync(path)
    const { records, end } = readLog(bytes)
    warnings.push(...unread(path, bytes, end))
    for (const { data } of records)
      for (const entry of readBatch(data, path)) newest.set(entry.key.toString('latin1'), entry)
  }
  const sorted = [...newest.values()].toSorted((a, b) => a.key.compare(b.key))
  return { recent: (from) => sorted.values().filter(({ key }) => key.compare(from) >= 0), warnings }
}

function unread(path: string, bytes: Buffer, end: number): string[] {
  const rest = bytes.subarray(end)
  if (rest.every((byte) => byte === 0)) return []
  return [`${path}: the ${rest.length} bytes from ${end} are no record, and nothing behind them was read`]
}

/** Tables of level 0 may overlap, those of each other level follow one another. */
function levelsOf(tables: readonly LevelFile[]): LevelFile[][] {
  const levels = Map.groupBy(tables, ({ level }) => level)
  const first = levels.get(0) ?? []
  const others = [...levels].filter(([level]) => level > 0).map(([, files]) => files)
  return [...first.map((file) => [file]), ...others.map((files) => files.toSorted(bySmallest))]
}

const bySmallest = (a: LevelFile, b: LevelFile): number => userKey(a.smallest).compare(userKey(b.smallest))
const userKey = (internal: Buffer): Buffer => internal.subarray(0, -8)

const inSequence = (run: readonly LevelFile[], table: (file: LevelFile) => TableFile): Entries =>
  function* (from) {
    // All that lies before the last one that begins at or before `from` ends before it.
    const start = run.findLastIndex(({ smallest }) => userKey(smallest).compare(from) <= 0)
    for (const file of run.slice(Math.max(0, start - 1))) yield* table(file).entries(from)
  }

/** Of each key the newest entry. */
function* merged(sources: readonly Entries[], from: Buffer): Generator<LevelEntry> {
  const heads = sources.map((entries) => {
    const iterator = entries(from)
    return { iterator, next: iterator.next() }
  })
  let last: Buffer | undefined
  for (;;) {
    let best: (typeof heads)[number] | undefined
    for (const head of heads) {
      if (head.next.done) continue
      const order = best && !best.next.done ? head.next.value.key.compare(best.next.value.key) : -1
      const isNewer = order === 0 && best && !best.next.done && head.next.value.sequence > best.next.value.sequence
      if (order < 0 || isNewer) best = head
    }
    if (!best || best.next.done) return
    const entry = best.next.value
    best.next = best.iterator.next()
    if (last && entry.key.equals(last)) continue
    last = entry.key
    yield entry
  }
}
