import { type DiskFs, readFully } from './disk-fs.ts'
import { decodePackHeader, PACK_HEADER_BYTES } from './pack-format.ts'

export interface PackRecord {
  readonly offset: number
  readonly lengthBytes: number
  readonly live: boolean
}

/**
 * `whole`: records up to the end, or up to one that the end of the file cuts off, which was never acknowledged.
 * `damaged`: something that is no record is followed by more bytes; what comes after it cannot be found.
 */
export type PackScanEnd = 'whole' | 'damaged'

const WINDOW_BYTES = 64 * 1024

/** The records of a pack from the one at `from` on, up to the byte `end` (or the end of the file). */
export async function* scanPack(
  disk: DiskFs,
  fd: number,
  from: number,
  end: number,
): AsyncGenerator<PackRecord, PackScanEnd> {
  let window: Buffer = Buffer.alloc(0)
  let windowAt = from
  let offset = from
  for (;;) {
    if (offset < windowAt || offset + PACK_HEADER_BYTES > windowAt + window.length) {
      const wanted = Buffer.allocUnsafe(Math.max(0, Math.min(WINDOW_BYTES, end - offset)))
      window = wanted.subarray(0, await readFully(disk, fd, wanted, offset))
      windowAt = offset
      if (window.length < PACK_HEADER_BYTES) return 'whole'
    }
    const header = decodePackHeader(window, offset - windowAt)
    if (!header) return 'damaged'
    const next = offset + PACK_HEADER_BYTES + header.lengthBytes
    if (next > end) return 'whole'
    yield { offset, ...header }
    offset = next
  }
}
