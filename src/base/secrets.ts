import { randomBytes, timingSafeEqual } from 'node:crypto'

/** 256 random bits that nobody guesses, in letters that a cookie, a header and a path may have. */
export const newSecret = (): string => randomBytes(32).toString('base64url')

/** Compares without telling, by how long it takes, how much of a guess was right; only its length is told. */
export function sameText(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)]
  return left.length === right.length && timingSafeEqual(left, right)
}
