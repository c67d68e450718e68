import { type FileHandle, open } from 'node:fs/promises'
import { hasErrno } from '../../storage/errno.ts'

const CHUNK_BYTES = 1024 * 1024
/** What a disk loses it loses by sectors of this size, or a part of it. */
const BLOCK_BYTES = 4096

/** Copies what the disk can read; zeros stand for the rest, so that what lies behind stays in its place. Resolves to their number. */
export async function copyReadable(source: string, target: string): Promise<number> {
  await using from = await open(source, 'r')
  await using to = await open(target, 'wx', 0o600)
  const { size } = await from.stat()
  let lostBytes = 0
  for (let at = 0; at < size; at += CHUNK_BYTES) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, size - at))
    if (!(await isRead(from, chunk, at))) lostBytes += await readBlocks(from, chunk, at)
    await to.write(chunk, 0, chunk.length, at)
  }
  await to.sync()
  return lostBytes
}

async function readBlocks(from: FileHandle, chunk: Buffer, at: number): Promise<number> {
  let lostBytes = 0
  for (let offset = 0; offset < chunk.length; offset += BLOCK_BYTES) {
    const block = chunk.subarray(offset, offset + BLOCK_BYTES)
    if (await isRead(from, block, at + offset)) continue
    block.fill(0)
    lostBytes += block.length
  }
  return lostBytes
}

async function isRead(from: FileHandle, into: Buffer, at: number): Promise<boolean> {
  try {
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await from.read(into, done, into.length - done, at + done)
      if (bytesRead === 0) return false
      done += bytesRead
    }
    return true
  } catch (error) {
    if (hasErrno(error, 'EIO', 'EUCLEAN')) return false
    throw error
  }
}
