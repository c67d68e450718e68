import { setImmediate as nextTurn } from 'node:timers/promises'
import { hasErrno } from '../errno.ts'
import type { BlobId } from './blob-store.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { DescriptorCache, HeldDescriptor } from './descriptor-cache.ts'
import { type DiskFs, readFully } from './disk-fs.ts'
import { blobMissing, blobTorn, diskError } from './disk-health.ts'

export interface ByteRange {
  readonly start: number
  readonly end: number
  readonly chunkBytes?: number
  readonly reuse?: boolean
}

const UNIT_BYTES = 256 * 1024

/** Throws RangeError: a range that is none is a bug of the caller. */
export function checkRange({ start, end, chunkBytes }: ByteRange): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
    throw new RangeError(`not a range of bytes: ${start} to ${end}`)
  }
  if (chunkBytes !== undefined && (!Number.isSafeInteger(chunkBytes) || chunkBytes < 1)) {
    throw new RangeError(`not a chunk size: ${chunkBytes}`)
  }
}

/** Cuts `bytes` into chunks of `chunkBytes`, the last one shorter. */
export function* recut(bytes: Buffer, chunkBytes: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}

export interface FileReaderParts {
  readonly disk: DiskFs
  /** Of files that are read again and again. */
  readonly files: DescriptorCache
  readonly pool: BufferPool
}

interface Unit {
  readonly bytes: Buffer
  /** What `bytes` are a part of. */
  readonly buffer: Buffer
}

/** A range of a blob's own file, in large reads of whole chunks, one of them ahead of the consumer while the disk has to be waited for. */
export async function* readBlobFile(
  { disk, files, pool }: FileReaderParts,
  path: string,
  id: BlobId,
  range: ByteRange,
): AsyncGenerator<Buffer> {
  const { start, end, chunkBytes = UNIT_BYTES, reuse = false } = range
  const { fd, release } = await openForReading(files, path, id)
  // Whole chunks at a time: reads of 64 KiB would cost twice as much a byte.
  const wholeUnitBytes = Math.max(1, Math.floor(UNIT_BYTES / chunkBytes)) * chunkBytes
  const unitBytes = end - start <= chunkBytes ? chunkBytes : wholeUnitBytes

  const readUnit = (at: number): Unit | Promise<Unit> => {
    const length = Math.min(unitBytes, end - at)
    const buffer = reuse ? pool.take(unitBytes) : Buffer.allocUnsafeSlow(length)
    const bytes = buffer.subarray(0, length)
    const whole = (got: number): Unit => {
      if (got < length) throw blobTorn(end, at + got, id)
      return { bytes, buffer }
    }
    const failed = (error: unknown): never => {
      throw diskError(error)
    }
    try {
      const got = readFully(disk, fd, bytes, at)
      return typeof got === 'number' ? whole(got) : got.then(whole).catch(failed)
    } catch (error) {
      return failed(error)
    }
  }
  const done = ({ buffer }: Unit): void => {
    if (reuse) pool.give(buffer)
  }

  let current: Unit | undefined
  let ahead: Unit | Promise<Unit> | undefined
  try {
    for (let at = start; at < end; at += unitBytes) {
      const reading = ahead ?? readUnit(at)
      const isCold = reading instanceof Promise
      current = isCold ? await reading : reading
      const isLast = at + unitBytes >= end
      ahead = isCold && !isLast ? readUnit(at + unitBytes) : undefined
      // Met when its turn comes, or never when the consumer leaves.
      if (ahead instanceof Promise) ahead.catch(() => {})
      yield* recut(current.bytes, chunkBytes)
      done(current)
      current = undefined
      // What is in memory would be read, opened and sent on without a look at anybody else.
      if (!isCold && !isLast) await nextTurn()
    }
  } finally {
    if (current) done(current)
    // Closing a descriptor under a running read would hand its number to another file.
    await Promise.resolve(ahead).then(
      (unit) => unit && done(unit),
      () => {},
    )
    release()
  }
}

async function openForReading(files: DescriptorCache, path: string, id: BlobId): Promise<HeldDescriptor> {
  try {
    return await files.open(path)
  } catch (error) {
    throw hasErrno(error, 'ENOENT') ? blobMissing(id) : diskError(error)
  }
}
