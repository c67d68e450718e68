import { spend } from '../../base/spent-memory.ts'
import type { Directories } from './directory-sync.ts'
import { type DiskFs, writeFully } from './disk-fs.ts'
import { blobTorn, type DiskHealth, diskError } from './disk-health.ts'
import { type EarlySync, type EarlySyncs, earlySync } from './early-sync.ts'
import type { FreeSpace } from './free-space.ts'

export type BlobBody = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** Bytes that the running writers of one store have gathered and not written yet. */
export interface Gathering {
  bytes: number
}

export interface FileWriterParts {
  readonly disk: DiskFs
  readonly directories: Directories
  readonly health: DiskHealth
  readonly space: FreeSpace
  readonly gathering: Gathering
  readonly earlySyncs: EarlySyncs
}

const BATCH_BYTES = 256 * 1024
/** Once all writers together have gathered so much, each writes as soon as it has SMALL_BATCH_BYTES: many may be slow. */
const GATHERING_BYTES = 16 * 1024 * 1024
const SMALL_BATCH_BYTES = 64 * 1024

/**
 * Writes one blob as the file `directory/name` and resolves to its length when bytes and name are durable. The file has its
 * final name from the start: no record names it yet, so a partial one is an orphan by definition. A body or a disk
 * that fails leaves no file behind; the body's own error is rethrown as it is.
 */
export async function writeBlobFile(
  { disk, directories, health, space, gathering, earlySyncs }: FileWriterParts,
  directory: string,
  name: string,
  body: BlobBody,
  lengthBytes: number | undefined,
): Promise<number> {
  const path = `${directory}/${name}`
  const fd = await disk.open(path, 'wx', 0o600).catch(rethrowDiskError)
  const sync = (): Promise<void> =>
    disk.fdatasync(fd).catch((error: unknown) => {
      throw health.syncFailed(error)
    })
  const early = earlySync(sync, earlySyncs)
  const writer = batchWriter(disk, fd, space, gathering, early)
  let written: number
  try {
    for await (const chunk of body) {
      await writer.add(chunk)
      if (lengthBytes !== undefined && writer.received() > lengthBytes) throw blobTorn(lengthBytes, writer.received())
    }
    if (lengthBytes !== undefined && writer.received() !== lengthBytes) throw blobTorn(lengthBytes, writer.received())
    written = await writer.end()
    await early.settled()
    await sync()
  } catch (error) {
    await writer.settled()
    await early.settled().catch(() => {})
    await disk.close(fd).catch(() => {})
    await disk.unlink(path).catch(() => {})
    throw error
  }
  await disk.close(fd).catch(() => {})
  try {
    await directories.sync(directory)
  } catch (error) {
    await disk.unlink(path).catch(() => {})
    throw diskError(error)
  }
  return written
}

/** Gathers chunks into large writes; one write runs while the next is gathered. */
function batchWriter(disk: DiskFs, fd: number, space: FreeSpace, gathering: Gathering, early: EarlySync) {
  let batch: Uint8Array[] = []
  let batchBytes = 0
  let received = 0
  let running: Promise<void> = Promise.resolve()

  const flush = async (): Promise<void> => {
    await running
    if (batchBytes === 0) return
    await space.ensure(batchBytes)
    space.took(batchBytes)
    running = write(batch, received - batchBytes).catch(rethrowDiskError)
    // Its error is met at the next flush; until then nobody may be waiting for it.
    running.catch(() => {})
    drop()
  }
  const write = async (chunks: readonly Uint8Array[], position: number): Promise<void> => {
    await writeFully(disk, fd, chunks, position)
    let lengthBytes = 0
    for (const chunk of chunks) {
      lengthBytes += chunk.length
      spend(chunk)
    }
    early.wrote(lengthBytes)
  }
  const drop = (): void => {
    gathering.bytes -= batchBytes
    batch = []
    batchBytes = 0
  }

  return {
    add: async (chunk: Uint8Array): Promise<void> => {
      batch.push(chunk)
      batchBytes += chunk.length
      received += chunk.length
      gathering.bytes += chunk.length
      const enough = gathering.bytes > GATHERING_BYTES ? SMALL_BATCH_BYTES : BATCH_BYTES
      if (batchBytes >= enough) await flush()
    },
    received: () => received,
    end: async (): Promise<number> => {
      await flush()
      await running
      return received
    },
    /** Gives up what was not written. Resolves when no write is running, so that the descriptor may be closed. */
    settled: () => {
      drop()
      return running.catch(() => {})
    },
  }
}

const rethrowDiskError = (error: unknown): never => {
  throw diskError(error)
}
