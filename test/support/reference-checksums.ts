import { createHash } from 'node:crypto'

// S3's five checksums once more, as plainly as can be: bit by bit, reflected, all ones at both ends.

export const ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

function crc(bytes: Buffer, bits: 32n | 64n, polynomial: bigint): Buffer {
  const ones = (1n << bits) - 1n
  const table = Array.from({ length: 256 }, (_, index) => {
    let value = BigInt(index)
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n
    return value
  })
  let sum = ones
  for (const byte of bytes) sum = (sum >> 8n) ^ (table[Number(sum & 0xffn) ^ byte] ?? 0n)
  return Buffer.from((sum ^ ones).toString(16).padStart(Number(bits) / 4, '0'), 'hex')
}

export function checksum(algorithm: Algorithm, bytes: Buffer | string): Buffer {
  const input = Buffer.from(bytes)
  switch (algorithm) {
    case 'CRC32':
      return crc(input, 32n, 0xedb88320n)
    case 'CRC32C':
      return crc(input, 32n, 0x82f63b78n)
    case 'CRC64NVME':
      return crc(input, 64n, 0x9a6c9329ac4bc9b5n)
    default:
      return createHash(algorithm.toLowerCase()).update(input).digest()
  }
}

export const base64 = (algorithm: Algorithm, bytes: Buffer | string): string =>
  checksum(algorithm, bytes).toString('base64')

/** The checksum of a multipart object over its parts' checksums. */
export const composite = (algorithm: Algorithm, parts: readonly Buffer[]): string =>
  `${base64(algorithm, Buffer.concat(parts.map((part) => checksum(algorithm, part))))}-${parts.length}`

export const headerOf = (algorithm: Algorithm): string => `x-amz-checksum-${algorithm.toLowerCase()}`
