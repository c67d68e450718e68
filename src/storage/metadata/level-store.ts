import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Level } from 'level'
import { successor } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { ensureDirectory, syncDirectory } from '../directories.ts'
import { hasErrno } from '../errno.ts'
import type { RowChange } from './commit-group.ts'
import { type GroupCommitter, type GroupCommitterOptions, groupCommitter } from './group-committer.ts'
import { groupBounds } from './groups.ts'
import { examineLevel, type LevelCondition, lossAfterOpening } from './level-condition.ts'
import {
  corrupt,
  counterKey,
  counterName,
  decodeCounter,
  decodeEntry,
  FORMAT,
  FORMAT_KEY,
  SEQUENCE_KEY,
  sequenceOf,
  spaceKey,
} from './level-format.ts'
import { checkRead, type PageReads, pageReads, readPage } from './level-pages.ts'
import type { TableFault } from './level-tables.ts'
import { checkCommit, checkSpace } from './limits.ts'
import { type LogMark, sequenceRow } from './log-mark.ts'
import type { Counter, Entry, MetadataStore, MetadataStoreErrorCode, Range, Space } from './metadata-store.ts'
import { openTableFaults, type ReadPace } from './open-tables.ts'
import { skipScan } from './skip-scan.ts'
import { pairBytes, type StoredPair, type StoredRows } from './stored-rows.ts'
import { writeWitness } from './witness-file.ts'
import { witnessKeeper } from './witness-keeper.ts'

type Database = Level<Buffer, Buffer>

export interface LevelStoreOptions {
  readonly mark: LogMark
  /** Called once, at the first write error. The process should then end: see MetadataStore.commit. */
  readonly onFailure: (error: Error) => void
  /** Opens a store that has lost acknowledged writes nevertheless, and is told so. Without it that is an error. */
  readonly onLoss?: (loss: Error) => void
  /** The witness could not be brought up to date; commits go on, and it is tried again. */
  readonly onWitnessError?: (error: unknown) => void
  readonly onGroup?: GroupCommitterOptions['onGroup']
  /** Other threads of this process have the store open, too (openLevelFollower): told of each group that is written. */
  readonly shared?: Pick<GroupCommitterOptions, 'onCommitted'> | undefined
}

export interface LevelStore extends MetadataStore {
  /** All that is durable now, the store's own rows too. Taken at once, so that what several stores hold fits together. */
  readonly storedRows: () => StoredRows
  /** Reads all tables that there are when it begins. Throws what the disk throws that is no damage. */
  readonly tableFaults: (pace: ReadPace) => AsyncIterable<TableFault>
  /** What LevelDB holds outside of Node's sight: rows that are in no table yet (it takes twice their buffer), and blocks it has read. */
  readonly memoryBytes: () => number
}

/**
 * Throws StoreLocked when the directory is open elsewhere, MetadataCorrupt when it is damaged,
 * MetadataStoreFailed when the disk is full or fails.
 */
export async function openLevelStore(directory: string, options: LevelStoreOptions): Promise<LevelStore> {
  const { mark, onFailure, onLoss, onWitnessError = () => undefined, onGroup, shared } = options
  await ensureDirectory(directory)
  const path = await realpath(directory)
  if (openHere.has(path)) throw locked(path)
  openHere.add(path)
  const release = (): void => {
    openHere.delete(path)
  }
  const acceptLoss = (loss: Error): void => {
    if (!onLoss) throw loss
    onLoss(loss)
  }
  const isShared = shared !== undefined
  const opened = await openDatabase(directory, path, mark, acceptLoss, isShared).catch((error: unknown) => {
    release()
    throw error
  })
  const { database, condition } = opened
  try {
    // LevelDB leaves the names of its new files in the page cache; without this a power cut can lose the whole store.
    await syncDirectory(path)
    await syncDirectory(dirname(path))
    const stored = readRow(database, SEQUENCE_KEY)
    const durable = stored ? sequenceOf(stored) : 0
    const hasFormat = readFormat(database)
    const loss = lossAfterOpening(path, condition, { sequence: durable, hasFormat })
    if (loss) acceptLoss(loss)
    // Also where writes were lost no token comes again.
    const sequence = Math.max(durable, condition.witness ?? 0)
    if (!hasFormat) await writeDurably(database, [sequenceRow(sequence, mark), { key: FORMAT_KEY, value: FORMAT }])
    const keeper = witnessKeeper({
      kept: condition.witness,
      synced: durable,
      write: (reached) => writeWitness(directory, reached, mark),
      onError: onWitnessError,
    })
    const committer = groupCommitter({
      read: (key) => readRow(database, key),
      write: (changes) => writeDurably(database, changes),
      mark,
      sequence,
      onWritten: keeper.synced,
      onCommitted: shared?.onCommitted,
      onGroup,
      onFailure,
    })
    return levelStore(database, committer.commit, async () => {
      await committer.close()
      await keeper.close()
      await database.close()
      release()
    })
  } catch (error) {
    await database.close()
    release()
    throw error
  }
}

/**
 * Directories this process has open. A second open in one process would make LevelDB close its lock file, and with that
 * the kernel drops the lock that keeps other processes out.
 */
const openHere = new Set<string>()

const locked = (directory: string, cause?: unknown): CodedError<MetadataStoreErrorCode> =>
  new CodedError('StoreLocked', `the metadata store ${directory} is already open`, { cause })

interface Opened {
  readonly database: Database
  readonly condition: LevelCondition
}

async function openDatabase(
  given: string,
  directory: string,
  mark: LogMark,
  acceptLoss: (loss: Error) => void,
  isShared: boolean,
): Promise<Opened> {
  const condition = await examineLevel({ given, path: directory }, mark, acceptLoss)
  const database = levelAt(directory, condition.isNew, isShared)
  try {
    await database.open()
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    if (hasErrno(cause, 'LEVEL_LOCKED')) throw locked(directory, cause)
    throw cannotOpen(directory, cause)
  }
  return { database, condition }
}

const levelAt = (directory: string, createIfMissing: boolean, multithreading = false): Database =>
  new Level(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    // Sealed values do not compress.
    compression: false,
    writeBufferSize: 16 * 1024 * 1024,
    cacheSize: 64 * 1024 * 1024,
    createIfMissing,
    ...{ multithreading },
  })

/**
 * A store that another thread of this process has open as `shared`, under the same directory as it was given there. It reads
 * for itself, and what it commits is decided by that thread alone. To be closed before that one.
 */
export async function openLevelFollower(directory: string, commit: MetadataStore['commit']): Promise<MetadataStore> {
  const database = levelAt(directory, false, true)
  try {
    await database.open()
  } catch (error) {
    throw cannotOpen(directory, error instanceof Error && error.cause !== undefined ? error.cause : error)
  }
  const checked: MetadataStore['commit'] = async (writes) => {
    checkCommit(writes)
    return commit(writes)
  }
  return levelStore(database, checked, () => database.close())
}

/** A full disk is no damage, and must not look like it. A file that is missing is. */
function cannotOpen(directory: string, cause: unknown): CodedError<MetadataStoreErrorCode> {
  const message = `the metadata store ${directory} cannot be opened: ${reasonOf(cause)}`
  if (!isOfTheSystem(cause)) return corrupt(message, cause)
  return new CodedError('MetadataStoreFailed', message, { cause })
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** The disk, or the want of descriptors or space: what is stored may be whole. Errors of `getSync` bear no code. */
const isOfTheSystem = (cause: unknown): boolean =>
  (hasErrno(cause, 'LEVEL_IO_ERROR') || reasonOf(cause).startsWith('IO error: ')) &&
  !reasonOf(cause).includes('No such file')

/** False where there is none. */
function readFormat(database: Database): boolean {
  const format = readRow(database, FORMAT_KEY)
  if (format && !format.equals(FORMAT)) {
    const name = format.toString('latin1')
    const isOurs = /^coffer-metadata-\d{1,9}$/.test(name)
    throw corrupt(
      isOurs
        ? `a metadata store has the format ${name}: it was written by a later Coffer, start that one`
        : 'a metadata store has a format that is none of ours',
    )
  }
  return format !== undefined
}

const writeDurably = (database: Database, changes: readonly RowChange[]): Promise<void> =>
  database.batch(
    changes.map(({ key, value }) => (value ? { type: 'put', key, value } : { type: 'del', key })),
    { sync: true },
  )

/** So many at a time are written to a store that is filled. */
const FILL_BYTES = 2 * 1024 * 1024

/**
 * Makes a store that holds these pairs, ascending, and nothing else; durable when it resolves. No witness is made.
 * Precondition: nothing opens the directory meanwhile. What was there is replaced.
 */
export async function fillLevelStore(
  directory: string,
  pages: AsyncIterable<readonly StoredPair[]> | Iterable<readonly StoredPair[]>,
): Promise<void> {
  await ensureDirectory(directory)
  const database = levelAt(directory, true)
  await database.open()
  try {
    let waiting: StoredPair[] = []
    let bytes = 0
    const write = async (): Promise<void> => {
      await database.batch(waiting.map(([key, value]) => ({ type: 'put', key, value })))
      waiting = []
      bytes = 0
    }
    for await (const page of pages) {
      for (const pair of page) {
        waiting.push(pair)
        bytes += pairBytes(pair)
        if (bytes >= FILL_BYTES) await write()
      }
    }
    await write()
    // Out of the log, whose batches bear no marks, into tables, which LevelDB syncs.
    await compactRows(database, Buffer.of(0), Buffer.of(0xff, 0xff))
  } finally {
    await database.close()
  }
  await syncDirectory(directory)
}

/** The types of `level` are those of a database in a browser, which has no files to compact. */
async function compactRows(database: Database, start: Buffer, end: Buffer): Promise<void> {
  if ('compactRange' in database && typeof database.compactRange === 'function') await database.compactRange(start, end)
}

const memoryOf = (database: Database): number =>
  'getProperty' in database && typeof database.getProperty === 'function'
    ? Number(database.getProperty('leveldb.approximate-memory-usage'))
    : 0

function readRow(database: Database, key: Buffer): Buffer | undefined {
  try {
    return database.getSync(key)
  } catch (error) {
    return unreadable(error)
  }
}

/** Whoever meets damage may go round it: what cannot be read for now must not look like it. */
function unreadable(cause: unknown): never {
  if (isOfTheSystem(cause))
    throw new CodedError<MetadataStoreErrorCode>('MetadataStoreFailed', 'the metadata store cannot be read now', {
      cause,
    })
  if (!hasErrno(cause, 'LEVEL_DATABASE_NOT_OPEN')) throw corrupt('the metadata store cannot be read', cause)
  throw closed(cause)
}

const closed = (cause?: unknown): CodedError<MetadataStoreErrorCode> =>
  new CodedError('MetadataStoreFailed', 'the metadata store is closed', { cause })

// A page of rows comes over in one piece: LevelDB's own default of 16 KiB would cut it into many.
const HIGH_WATER_MARK = { highWaterMarkBytes: 4 * 1024 * 1024 }
const MANY = 16

type Snapshot = ReturnType<Database['snapshot']>

function takeSnapshot(database: Database): Snapshot {
  try {
    return database.snapshot()
  } catch (error) {
    return unreadable(error)
  }
}

const PAGE = 1000

function storedRows(database: Database): StoredRows {
  const snapshot = takeSnapshot(database)
  return {
    pages: async function* () {
      const iterator = database.iterator({ snapshot, ...HIGH_WATER_MARK })
      try {
        for (;;) {
          const pairs = await iterator.nextv(PAGE).catch(unreadable)
          if (pairs.length === 0) return
          yield pairs
        }
      } finally {
        await iterator.close()
      }
    },
    [Symbol.asyncDispose]: () => snapshot.close(),
  }
}

function bounds(space: Space, gte: Buffer, lt: Buffer) {
  checkSpace(space)
  return { gte: spaceKey(space, gte), lt: spaceKey(space, lt), ...HIGH_WATER_MARK }
}

async function rangeOf(
  database: Database,
  space: Space,
  range: Range,
  reads: PageReads,
  snapshot?: Snapshot,
): Promise<Entry[]> {
  const { gte, lt, limit, reverse = false } = range
  const within = bounds(space, gte, lt)
  const iterator = database.iterator({ ...within, limit, reverse, snapshot })
  const rows = await readPage(iterator, within.gte, limit, reads).catch(unreadable)
  return rows.map(([key, stored]) => decodeEntry(key.subarray(1), stored))
}

async function countersOf(database: Database, prefix: Buffer, snapshot?: Snapshot): Promise<Counter[]> {
  const gte = counterKey(prefix)
  const lt = successor(gte) ?? gte
  const rows = await database
    .iterator({ gte, lt, ...HIGH_WATER_MARK, snapshot })
    .all()
    .catch(unreadable)
  return rows.map(([key, stored]) => ({ key: counterName(key), value: decodeCounter(stored) }))
}

function levelStore(database: Database, commit: GroupCommitter['commit'], close: () => Promise<void>): LevelStore {
  const lookUp = (space: Space, key: Buffer) => {
    checkSpace(space)
    const stored = readRow(database, spaceKey(space, key))
    return stored && decodeEntry(key, stored)
  }

  const reads = pageReads()
  const readRange = async (space: Space, range: Range, snapshot?: Snapshot): Promise<Entry[]> => {
    if (closing !== undefined) throw closed()
    return rangeOf(database, space, range, reads, snapshot)
  }
  let closing: Promise<void> | undefined

  return {
    // A third of the processor time of an asynchronous get, and most reads are answered from memory.
    get: async (space, key) => lookUp(space, key),
    getMany: async (space, keys) => {
      if (keys.length <= MANY) return keys.map((key) => lookUp(space, key))
      checkSpace(space)
      const rows = await database.getMany(keys.map((key) => spaceKey(space, key))).catch(unreadable)
      return keys.map((key, index) => {
        const stored = rows[index]
        return stored && decodeEntry(key, stored)
      })
    },
    range: (space, range) => readRange(space, range),
    groups: async (space, range) => {
      const keys = groupBounds(range)
      if (!keys || range.limit < 1) return []
      const iterator = database.iterator(bounds(space, keys.gte, keys.lt))
      try {
        const rows = {
          next: async (count: number) =>
            (await iterator.nextv(count).catch(unreadable)).map(([key, stored]) => [key.subarray(1), stored] as const),
          seek: (key: Buffer) => iterator.seek(spaceKey(space, key)),
        }
        const groups = await skipScan(rows, range)
        await checkRead(iterator, spaceKey(space, keys.lt)).catch(unreadable)
        return groups
      } finally {
        await iterator.close()
      }
    },
    commit,
    counters: (prefix) => countersOf(database, prefix),
    snapshot: async () => {
      const snapshot = takeSnapshot(database)
      return {
        range: (space, range) => readRange(space, range, snapshot),
        counters: (prefix) => countersOf(database, prefix, snapshot),
        [Symbol.asyncDispose]: async () => {
          await reads.over()
          await snapshot.close()
        },
      }
    },
    storedRows: () => storedRows(database),
    tableFaults: (pace) => openTableFaults(database.location, pace),
    memoryBytes: () => memoryOf(database),
    // LevelDB writes its memory to a table first, and drops the log.
    compact: (space, { gte, lt }) => {
      checkSpace(space)
      return compactRows(database, spaceKey(space, gte), spaceKey(space, lt)).catch(unreadable)
    },
    close: () => {
      closing ??= reads.over().then(close)
      return closing
    },
  }
}
