import type { ChecksumAlgorithm } from './checksums.ts'

export type CombinableAlgorithm = Extract<ChecksumAlgorithm, 'crc32' | 'crc32c' | 'crc64nvme'>

export interface CrcPart {
  readonly digest: Buffer
  readonly sizeBytes: number
}

export const isCombinable = (algorithm: ChecksumAlgorithm): algorithm is CombinableAlgorithm =>
  algorithm === 'crc32' || algorithm === 'crc32c' || algorithm === 'crc64nvme'

/**
 * CRC of the whole from the CRCs and lengths of its parts, without the bytes. A CRC is a polynomial over GF(2), so
 * crc(a ‖ b) = crc(a) · x^(8·|b|) mod P + crc(b); the conditioning of all three cancels out.
 */
export function combineCrcs(algorithm: CombinableAlgorithm, parts: readonly CrcPart[]): Buffer {
  const field = FIELDS[algorithm]
  let sum: Polynomial = [0, 0]
  // The parts of an upload are nearly always equally long.
  let shift: Polynomial = [0, 0]
  let shiftBytes = -1
  for (const { digest, sizeBytes } of parts) {
    if (sizeBytes !== shiftBytes) {
      shift = powerOfX(field, sizeBytes)
      shiftBytes = sizeBytes
    }
    const [high, low] = field.multiply(sum, shift)
    const [partHigh, partLow] = field.read(digest)
    sum = [(high ^ partHigh) >>> 0, (low ^ partLow) >>> 0]
  }
  return field.write(sum)
}

/** Coefficients, reflected: x^0 is the highest bit. A 32-bit one keeps its low word 0. */
type Polynomial = readonly [high: number, low: number]

interface Field {
  readonly multiply: (a: Polynomial, b: Polynomial) => Polynomial
  readonly read: (digest: Buffer) => Polynomial
  readonly write: (value: Polynomial) => Buffer
}

const ONE: Polynomial = [0x80000000, 0]
const X_TO_THE_8: Polynomial = [0x00800000, 0]

/** x^(8·bytes) mod P by squaring. */
function powerOfX(field: Field, bytes: number): Polynomial {
  let result = ONE
  let square = X_TO_THE_8
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = field.multiply(result, square)
    square = field.multiply(square, square)
  }
  return result
}

const field32 = (polynomial: number): Field => ({
  multiply: ([a], [b]) => {
    let product = 0
    let shifted = b
    for (let bits = a; bits !== 0; bits = (bits << 1) >>> 0) {
      if (bits & 0x80000000) product ^= shifted
      shifted = shifted & 1 ? (shifted >>> 1) ^ polynomial : shifted >>> 1
    }
    return [product >>> 0, 0]
  },
  read: (digest) => [digest.readUInt32BE(0), 0],
  write: ([value]) => {
    const out = Buffer.alloc(4)
    out.writeUInt32BE(value, 0)
    return out
  },
})

const field64 = ([polynomialHigh, polynomialLow]: Polynomial): Field => ({
  multiply: ([aHigh, aLow], [bHigh, bLow]) => {
    let productHigh = 0
    let productLow = 0
    let high = bHigh
    let low = bLow
    for (let bit = 0; bit < 64; bit++) {
      const word = bit < 32 ? aHigh : aLow
      if (word & (0x80000000 >>> (bit & 31))) {
        productHigh ^= high
        productLow ^= low
      }
      const carry = low & 1
      low = (low >>> 1) | (high << 31)
      high >>>= 1
      if (carry) {
        high ^= polynomialHigh
        low ^= polynomialLow
      }
    }
    return [productHigh >>> 0, productLow >>> 0]
  },
  read: (digest) => [digest.readUInt32BE(0), digest.readUInt32BE(4)],
  write: ([high, low]) => {
    const out = Buffer.alloc(8)
    out.writeUInt32BE(high, 0)
    out.writeUInt32BE(low, 4)
    return out
  },
})

const FIELDS: Readonly<Record<CombinableAlgorithm, Field>> = {
  crc32: field32(0xedb88320),
  crc32c: field32(0x82f63b78),
  crc64nvme: field64([0x9a6c9329, 0xac4bc9b5]),
}
