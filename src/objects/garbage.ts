import type { Clock } from '../base/clock.ts'
import { hasCode } from '../base/errors.ts'
import { random16 } from '../base/ids.ts'
import type { BlobId, BlobStore } from '../storage/blob/blob-store.ts'
import type { Entry, MetadataStore, MetadataStoreErrorCode, Token, Write } from '../storage/metadata/metadata-store.ts'
import { blobKey, garbageKey, partKey, partNumberOf, rowsUnder, SPACE, timeOfGarbage } from './keyspace.ts'
import { type Pinning, pinning } from './pinning.ts'
import {
  type DoomedParts,
  decodeGarbage,
  decodePart,
  encodeGarbage,
  type GarbageRecord,
  type PartRecord,
} from './records.ts'

const PAGE = 200
/** What there is more is not told. */
const COUNTED = 1000
const WRITES_PER_COMMIT = 400
/** Times have eight bytes, and begin with 00 for the next millions of years. */
const ALL: { readonly gte: Buffer; readonly lt: Buffer } = { gte: Buffer.alloc(0), lt: rowsUnder(Buffer.from([0])).lt }

/**
 * Removal in two steps: the commit that drops the last reference also writes a garbage row; the collector removes bytes,
 * then rows. A crash in between costs nothing but a repeated removal. Envelopes that are being read are waited for.
 */
export interface Garbage {
  /** The write that belongs into the commit that drops the reference; call `collect` after it. */
  readonly entry: (record: GarbageRecord) => Write
  /** Starts the collector unless it runs; does not wait for it. */
  readonly collect: () => void
  /** Resolves when nothing is left that may be removed now. */
  readonly settled: () => Promise<void>
  /**
   * Removes nothing until disposed. When it resolves nothing is being removed any more: all bytes that a row names are there,
   * and stay there. Deletes go on, and leave their bytes for later.
   */
  readonly hold: () => Promise<Disposable>
  /** Looks up what is to be read and holds the removal of its bytes until disposed; nothing removes them in between. */
  readonly pin: Pinning['pin']
  readonly figures: () => Promise<GarbageFigures>
  readonly close: () => Promise<void>
}

export interface GarbageFigures {
  /** Objects, versions and uploads whose bytes are still there, counted up to a thousand. */
  readonly waiting: number
  /** Undefined: nothing waits. */
  readonly oldestMs: number | undefined
  /** Of those, what is being read. */
  readonly read: number
  /** Something keeps the collector from removing anything. */
  readonly isHeld: boolean
  /** Since the process began. */
  readonly removed: number
}

interface Visited {
  /** Key of the last row; undefined: all, those too that come meanwhile. */
  readonly end?: Buffer
  readonly isStopped: () => boolean
}

/** Other threads that read the same envelopes. */
export interface OtherReaders {
  /** Resolves when what they looked up before is held, if it is read, and what they look up from now on is what there is now. */
  readonly settled: () => Promise<void>
  readonly isHeld: (blobId: string) => boolean
}

const NO_OTHERS: OtherReaders = { settled: async () => {}, isHeld: () => false }
/** What another thread reads is looked at when it lets go, and now and then. */
const AGAIN_MS = 5000

export const garbageEntry = (clock: Clock, record: GarbageRecord): Write => ({
  type: 'put',
  space: SPACE.garbage,
  key: garbageKey(clock.now(), random16()),
  value: encodeGarbage(record),
  if: null,
})

export function openGarbage(
  metadata: MetadataStore,
  blobs: BlobStore,
  clock: Clock,
  onError: (error: unknown) => void,
  others: OtherReaders = NO_OTHERS,
): Garbage {
  const pins = new Map<string, number>()
  /** Envelopes that a pass met while they were read. */
  const postponed = new Set<string>()
  let running: Promise<void> | undefined
  let again = false
  let closed = false
  let holds = 0
  let removed = 0
  /** There may be rows of bytes that are gone: a removal was not ended, by a crash or by an error of the disk. */
  let begun = true
  const stopped = (): boolean => closed || holds > 0

  const collectRow = async (key: Buffer, record: GarbageRecord): Promise<void> => {
    const rows: Write[] = []
    const doomed: BlobId[] = [...record.blobs]
    for (const id of record.blobs) rows.push({ type: 'delete', space: SPACE.blob, key: blobKey(id) })
    if (record.upload) {
      for await (const part of partsOf(metadata, record.upload)) {
        doomed.push(part.blob)
        rows.push({ type: 'delete', space: SPACE.blob, key: blobKey(part.blob) })
        rows.push({ type: 'delete', space: SPACE.part, key: part.key, if: part.token })
      }
    }
    const failed = await blobs.remove(doomed)
    // Bytes first, then the rows: what could not be removed keeps its rows and is tried again later.
    if (failed.length > 0) {
      begun = true
      return
    }
    rows.push({ type: 'delete', space: SPACE.garbage, key })
    for (let at = 0; at < rows.length; at += WRITES_PER_COMMIT) {
      if (await metadata.commit(rows.slice(at, at + WRITES_PER_COMMIT))) continue
      // A part was moved to another class meanwhile: its row names other bytes by now.
      again = true
      return
    }
    removed++
  }

  /**
   * A renaming takes its row back, in the commit that names the parts, before it lets go of them (rename-object.ts): whoever
   * finds them free after that must not go by what he read before.
   */
  const isStill = async (key: Buffer, { upload }: GarbageRecord): Promise<boolean> =>
    upload === undefined || (await metadata.get(SPACE.garbage, key)) !== undefined

  /** What fails for one row must not keep the others from being collected. Throws the first error in the end. */
  const pass = async (rows: Visited = { isStopped: stopped }): Promise<void> => {
    const errors: unknown[] = []
    await visitRows(rows, async (row) => {
      try {
        const record = decodeGarbage(row.value)
        if (pins.has(record.blobId)) postponed.add(record.blobId)
        else if (others.isHeld(record.blobId)) lookAgain()
        else if (await isStill(row.key, record)) await collectRow(row.key, record)
      } catch (error) {
        // No row can be removed any more until the process has restarted.
        if (hasCode<MetadataStoreErrorCode>(error, 'MetadataStoreFailed')) throw error
        errors.push(error)
        begun = true
      }
    })
    if (errors.length > 0) throw errors[0]
  }

  const visitRows = async ({ end, isStopped }: Visited, visit: (row: Entry) => Promise<void>): Promise<void> => {
    const lt = end ? Buffer.concat([end, Buffer.from([0])]) : ALL.lt
    let { gte } = ALL
    for (;;) {
      const rows = await metadata.range(SPACE.garbage, { gte, lt, limit: PAGE })
      // Whoever looks up from here on finds none of what these rows name.
      await lookups.settled()
      if (rows.length > 0) await others.settled()
      for (const row of rows) {
        if (isStopped()) return
        await visit(row)
      }
      const last = rows.at(-1)
      if (rows.length < PAGE || !last) return
      gte = Buffer.concat([last.key, Buffer.from([0])])
    }
  }

  const run = async (): Promise<void> => {
    do {
      again = false
      await pass()
    } while (again && !stopped())
  }

  const collect = (): void => {
    if (closed) return
    again = true
    // Whoever holds it starts it afterwards.
    if (holds > 0) return
    running ??= run()
      .catch(onError)
      .finally(() => {
        running = undefined
        // Asked for while the last pass was ending.
        if (again) collect()
      })
  }

  let waiting: NodeJS.Timeout | undefined
  const lookAgain = (): void => {
    waiting ??= setTimeout(() => {
      waiting = undefined
      collect()
    }, AGAIN_MS).unref()
  }

  const hold = (blobId: string): Disposable => {
    pins.set(blobId, (pins.get(blobId) ?? 0) + 1)
    return {
      [Symbol.dispose]: () => {
        const left = (pins.get(blobId) ?? 1) - 1
        if (left > 0) pins.set(blobId, left)
        else {
          pins.delete(blobId)
          if (postponed.delete(blobId)) collect()
        }
      },
    }
  }

  /** Ends what was begun, as far as it lets itself be. To be called by the one who holds it, when nothing runs. */
  const endBegun = async (): Promise<void> => {
    if (!begun || closed || holds > 1) return
    const [last] = await metadata.range(SPACE.garbage, { ...ALL, limit: 1, reverse: true })
    // Somebody else may hold it by now, who was told that nothing is being removed.
    if (!last || holds > 1) return
    begun = false
    // What is deleted from now on is left for later, and waited for by nobody.
    running = pass({ end: last.key, isStopped: () => closed })
      .catch(onError)
      .finally(() => {
        running = undefined
      })
    await running
  }

  const pause = async (): Promise<Disposable> => {
    holds++
    let held = true
    const release = (): void => {
      if (!held) return
      held = false
      holds--
      collect()
    }
    try {
      while (running !== undefined) await running
      await endBegun()
      while (running !== undefined) await running
    } catch (error) {
      release()
      throw error
    }
    return { [Symbol.dispose]: release }
  }

  const lookups = pinning(hold)

  return {
    entry: (record) => garbageEntry(clock, record),
    collect,
    settled: async () => {
      collect()
      while (running !== undefined) await running
    },
    hold: pause,
    pin: lookups.pin,
    figures: async () => {
      const rows = await metadata.range(SPACE.garbage, { ...ALL, limit: COUNTED })
      const [oldest] = rows
      return {
        waiting: rows.length,
        oldestMs: oldest && timeOfGarbage(oldest.key),
        read: postponed.size,
        isHeld: holds > 0,
        removed,
      }
    },
    close: async () => {
      closed = true
      clearTimeout(waiting)
      while (running !== undefined) await running
    },
  }
}

async function* partsOf(
  metadata: MetadataStore,
  doomed: DoomedParts,
): AsyncGenerator<{ readonly key: Buffer; readonly token: Token; readonly blob: BlobId }> {
  const uploadId = Buffer.from(doomed.uploadId, 'hex')
  const { lt } = rowsUnder(uploadId)
  const isDoomed = doomedBy(doomed)
  let gte = partKey(uploadId, 0)
  for (;;) {
    const rows = await metadata.range(SPACE.part, { gte, lt, limit: PAGE })
    for (const { key, token, value } of rows) {
      const part = decodePart(value)
      if (isDoomed(partNumberOf(key), part)) yield { key, token, blob: part.blob }
    }
    const last = rows.at(-1)
    if (rows.length < PAGE || !last) return
    gte = Buffer.concat([last.key, Buffer.from([0])])
  }
}

/**
 * A row is applied some time after it was written, when the object may have parts that came later: they are named by it
 * and removed by none but the row that the end of the object leaves.
 */
function doomedBy({ kept: runs, butAppended }: DoomedParts): (number: number, part: PartRecord) => boolean {
  if (!runs) return () => true
  const kept = numbersIn(runs)
  if (butAppended) return (number, { appended }) => !(appended || kept.has(number))
  // What an earlier release appended has a higher number than all that are kept, and looks like any other part. What was
  // uploaded under such a number goes with the object.
  const last = runs.at(-1) ?? 0
  return (number) => number < last && !kept.has(number)
}

function numbersIn(runs: readonly number[]): Set<number> {
  const numbers = new Set<number>()
  for (let at = 0; at + 1 < runs.length; at += 2) {
    for (let number = runs[at] ?? 0; number <= (runs[at + 1] ?? 0); number++) numbers.add(number)
  }
  return numbers
}
