import { MAX_PART_BYTES } from '../body-writer.ts'
import type { ByteRange } from '../byte-range.ts'
import type { Manifest } from '../content.ts'

const MAX_PARTS = 10_000
const PART_BYTES = 64 * 1024 ** 2

export interface PartToSend extends ByteRange {
  readonly number: number
  /** Base64, where it is known. */
  readonly checksum?: string
}

/** The parts that a replica is uploaded in: those of the object, so that its ETag stays. Undefined: in one piece. */
export function partsToSend({ parts, sizeBytes }: Manifest, minPartBytes: number): readonly PartToSend[] | undefined {
  if (parts.length === 1 && parts[0]?.number === 0) return undefined
  // What was appended may be smaller than a part can be.
  if (parts.slice(0, -1).some((part) => part.sizeBytes < minPartBytes)) {
    return sizeBytes > MAX_PART_BYTES ? evenParts(sizeBytes) : undefined
  }
  let start = 0
  return parts.map((part, index) => {
    const range = { start, end: start + part.sizeBytes }
    start = range.end
    return { number: index + 1, ...range, ...(part.checksum === undefined ? {} : { checksum: part.checksum }) }
  })
}

export function evenParts(sizeBytes: number): readonly PartToSend[] {
  const partBytes = Math.max(PART_BYTES, Math.ceil(sizeBytes / MAX_PARTS))
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) => ({
    number: index + 1,
    start: index * partBytes,
    end: Math.min((index + 1) * partBytes, sizeBytes),
  }))
}
