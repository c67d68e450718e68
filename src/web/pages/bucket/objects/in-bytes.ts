/** S3 lists in the order of the bytes of UTF-8, which is that of code points, and not of the units that JavaScript compares. */
export function inBytes(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let at = 0; at < length; at++) {
    const [a, b] = [one.charCodeAt(at), other.charCodeAt(at)]
    if (a !== b) return weight(a) - weight(b)
  }
  return one.length - other.length
}

/** Surrogates stand for what is behind all else. */
const weight = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)
