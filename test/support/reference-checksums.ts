import { createHash } from 'node:crypto'

// S3's five checksums once more, as plainly as can be: byte by byte, reflected, all ones at both ends.

export const ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

function crc32(bytes: Buffer, polynomial: number): Buffer {
  const table = Array.from({ length: 256 }, (_, index) => {
    let value = index
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1
    return value
  })
  let sum = -1
  for (const byte of bytes) sum = (sum >>> 8) ^ (table[(sum & 0xff) ^ byte] ?? 0)
  const out = Buffer.alloc(4)
  out.writeInt32BE(~sum)
  return out
}

function crc64(bytes: Buffer, polynomial: bigint): Buffer {
  const ones = (1n << 64n) - 1n
  const table = Array.from({ length: 256 }, (_, index) => {
    let value = BigInt(index)
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n
    return value
  })
  let sum = ones
  for (const byte of bytes) sum = (sum >> 8n) ^ (table[Number(sum & 0xffn) ^ byte] ?? 0n)
  const out = Buffer.alloc(8)
  out.writeBigUInt64BE(sum ^ ones)
  return out
}

/** Of large test bodies, which are asked for again and again: the plain way is slow. */
const known = new WeakMap<Buffer, Map<Algorithm, Buffer>>()

export function checksum(algorithm: Algorithm, input: Buffer | string): Buffer {
  const bytes = typeof input === 'string' ? Buffer.from(input) : input
  const sums = known.get(bytes) ?? new Map<Algorithm, Buffer>()
  known.set(bytes, sums)
  const sum = sums.get(algorithm) ?? compute(algorithm, bytes)
  sums.set(algorithm, sum)
  return sum
}

function compute(algorithm: Algorithm, bytes: Buffer): Buffer {
  switch (algorithm) {
    case 'CRC32':
      return crc32(bytes, 0xedb88320)
    case 'CRC32C':
      return crc32(bytes, 0x82f63b78)
    case 'CRC64NVME':
      return crc64(bytes, 0x9a6c9329ac4bc9b5n)
    default:
      return createHash(algorithm.toLowerCase()).update(bytes).digest()
  }
}

export const base64 = (algorithm: Algorithm, bytes: Buffer | string): string =>
  checksum(algorithm, bytes).toString('base64')

/** The checksum of a multipart object over its parts' checksums. */
export const composite = (algorithm: Algorithm, parts: readonly Buffer[]): string =>
  `${base64(algorithm, Buffer.concat(parts.map((part) => checksum(algorithm, part))))}-${parts.length}`

export const headerOf = (algorithm: Algorithm): string => `x-amz-checksum-${algorithm.toLowerCase()}`
