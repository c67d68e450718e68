/** CRC-32 as S3's `x-amz-checksum-crc32` has it: of parts, and of what they are together. */
const TABLES = makeTables()

function makeTables(): readonly Uint32Array[] {
  const first = new Uint32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
    first[byte] = value >>> 0
  }
  const tables = [first]
  for (let index = 1; index < 8; index++) {
    const before = tables[index - 1] ?? first
    tables.push(before.map((value) => ((value >>> 8) ^ (first[value & 255] ?? 0)) >>> 0))
  }
  return tables
}

/** Eight bytes at a time. */
export function crc32(data: Uint8Array, start = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as readonly [
    ...[Uint32Array, Uint32Array, Uint32Array, Uint32Array],
    ...[Uint32Array, Uint32Array, Uint32Array, Uint32Array],
  ]
  const at = (table: Uint32Array, index: number): number => table[index & 255] ?? 0
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  let crc = ~start
  let offset = 0
  for (; offset + 8 <= data.length; offset += 8) {
    const low = crc ^ view.getUint32(offset, true)
    const high = view.getUint32(offset + 4, true)
    crc =
      at(t7, low) ^
      at(t6, low >>> 8) ^
      at(t5, low >>> 16) ^
      at(t4, low >>> 24) ^
      at(t3, high) ^
      at(t2, high >>> 8) ^
      at(t1, high >>> 16) ^
      at(t0, high >>> 24)
  }
  for (; offset < data.length; offset++) crc = (crc >>> 8) ^ at(t0, crc ^ (data[offset] ?? 0))
  return ~crc >>> 0
}

/** Of two pieces after each other: `first`, and `second` that is so many bytes long. */
export function joinCrc32(first: number, second: number, secondBytes: number): number {
  // The first one is moved past as many zero bytes as the second has, by squares of a matrix over GF(2).
  let matrix = square(square(square(ONE_BIT)))
  let crc = first
  for (let bytes = secondBytes; bytes > 0; bytes = Math.floor(bytes / 2)) {
    if (bytes % 2 === 1) crc = times(matrix, crc)
    matrix = square(matrix)
  }
  return (crc ^ second) >>> 0
}

const ONE_BIT: readonly number[] = [0xedb88320, ...Array.from({ length: 31 }, (_, bit) => (1 << bit) >>> 0)]

function times(matrix: readonly number[], vector: number): number {
  let sum = 0
  for (let rest = vector >>> 0, index = 0; rest !== 0; rest >>>= 1, index++) if (rest & 1) sum ^= matrix[index] ?? 0
  return sum >>> 0
}

const square = (matrix: readonly number[]): readonly number[] => matrix.map((column) => times(matrix, column))

/** As the header has it: four bytes, the first the highest, in base64. */
export const crc32Text = (crc: number): string =>
  btoa(String.fromCharCode(crc >>> 24, (crc >>> 16) & 255, (crc >>> 8) & 255, crc & 255))

export function crc32Of(text: string): number | undefined {
  const bytes = atob(text)
  if (bytes.length !== 4) return undefined
  return new DataView(Uint8Array.from(bytes, (character) => character.charCodeAt(0)).buffer).getUint32(0)
}
