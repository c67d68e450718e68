import { timingSafeEqual } from 'node:crypto'
import { S3Error } from '../error-codes.ts'
import type { SigningCredential } from './identity.ts'

/** A temporary credential needs its token, any other one none. Throws InvalidToken, ExpiredToken. */
export function checkSessionToken(credential: SigningCredential, token: string | undefined, nowMs: number): void {
  const { sessionToken: expected, expiresAtMs } = credential
  const isRight = expected === undefined ? token === undefined : token !== undefined && sameText(token, expected)
  if (!isRight) throw new S3Error('InvalidToken')
  if (expiresAtMs !== undefined && nowMs >= expiresAtMs) throw new S3Error('ExpiredToken')
}

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
