import { timingSafeEqual } from 'node:crypto'
import { S3Error } from '../error-codes.ts'
import type { SigningCredential } from './identity.ts'

/** A temporary credential needs its token, any other one none. Throws InvalidToken. */
export function checkSessionToken(credential: SigningCredential, token: string | undefined): void {
  const expected = credential.sessionToken
  if (expected === undefined ? token === undefined : token !== undefined && sameText(token, expected)) return
  throw new S3Error('InvalidToken')
}

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
