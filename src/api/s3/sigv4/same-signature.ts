import { timingSafeEqual } from 'node:crypto'

const SIGNATURE_HEX = /^[0-9a-f]{64}$/

/** Compares in constant time. A signature of another form is compared too, so that all refusals cost the same. */
export function sameSignature(presentedHex: string, expectedHex: string): boolean {
  const wellFormed = SIGNATURE_HEX.test(presentedHex)
  const expected = Buffer.from(expectedHex, 'latin1')
  const presented = wellFormed ? Buffer.from(presentedHex, 'latin1') : Buffer.alloc(expected.length)
  return timingSafeEqual(presented, expected) && wellFormed
}
