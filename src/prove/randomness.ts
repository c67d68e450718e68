/**
 * Ciphertext cannot be told from random bytes; text, zeros, tables and most of what else is in the clear can. Each bound is
 * so far out that random bytes exceed it about once in 10^15 looks. What is compressed well passes: only a key tells it.
 */
const DEVIATIONS = 8
const MIN_BIT_BYTES = 64
const MIN_CHI_BYTES = 2048
/** Chi-square over 256 values: mean 255, deviation the root of 510. */
const CHI = { mean: 255, deviation: Math.sqrt(510), above: 12, below: 9 } as const
const REPEATED_BYTES = 16
const PRINTABLE_BYTES = 48

/** What the bytes are, if they are nothing that a cipher gives; undefined when nothing speaks against it. */
export function notRandom(bytes: Uint8Array): string | undefined {
  const counts = new Uint32Array(256)
  let same = 0
  let printable = 0
  let last = -1
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0
    counts[byte] = (counts[byte] ?? 0) + 1
    same = byte === last ? same + 1 : 1
    last = byte
    printable = isPrintable(byte) ? printable + 1 : 0
    if (same >= REPEATED_BYTES) return `one byte (${byte.toString(16).padStart(2, '0')}) over and over`
    if (printable >= PRINTABLE_BYTES) return `${PRINTABLE_BYTES} printable characters in a row`
  }
  return skewed(counts, bytes.length)
}

const isPrintable = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13

/** The same of many small pieces together, by how often each byte is among them. */
export function skewed(counts: Uint32Array, total: number): string | undefined {
  if (total < MIN_BIT_BYTES) return undefined
  for (let bit = 0; bit < 8; bit++) {
    let ones = 0
    for (let value = 0; value < 256; value++) if (value & (1 << bit)) ones += counts[value] ?? 0
    if (Math.abs(ones - total / 2) >= (DEVIATIONS * Math.sqrt(total)) / 2)
      return `bit ${bit} is set in ${ones} of ${total} bytes`
  }
  if (total < MIN_CHI_BYTES) return undefined
  const expected = total / 256
  const chi = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  const deviations = (chi - CHI.mean) / CHI.deviation
  if (deviations <= CHI.above && deviations >= -CHI.below) return undefined
  return `the bytes are not spread as ciphertext is (chi-square ${chi.toFixed(0)} instead of about 255)`
}

/** What files in the clear begin with. */
const MAGICS: readonly (readonly [string, string])[] = [
  ['gzip', '1f8b0800'],
  ['Zstandard', '28b52ffd'],
  ['xz', 'fd377a585a00'],
  ['7-Zip', '377abcaf271c'],
  ['ZIP', '504b0304'],
  ['PNG', '89504e470d0a1a0a'],
  ['JPEG', 'ffd8ffe000104a464946'],
  ['PDF', '255044462d'],
  ['ELF', '7f454c4602'],
  ['Parquet', '50415231'],
  ['a stored part of one layer', '4f45463101'],
]

/** Asked of the first bytes of a ciphertext. */
export function knownBeginning(bytes: Buffer): string | undefined {
  const begin = bytes.toString('hex', 0, 16)
  const found = MAGICS.find(([, magic]) => begin.startsWith(magic))
  return found && `it begins like ${found[0]}`
}
