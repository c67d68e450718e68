import { S3Error } from './error-codes.ts'
import type { S3Request } from './request.ts'

/** Headers that ask for something Coffer doesn't do (yet). Refused before a byte is stored, never ignored. */
const NOT_IMPLEMENTED: readonly string[] = ['x-amz-mfa']

export function refuseUnsupported(request: S3Request): void {
  for (const name of request.headers.keys()) {
    if (NOT_IMPLEMENTED.includes(name)) throw new S3Error('NotImplemented', undefined, { extra: { Header: name } })
  }
}
