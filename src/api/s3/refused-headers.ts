import { S3Error } from './error-codes.ts'
import type { S3Request } from './request.ts'

/** Headers that ask for something Coffer doesn't do (yet). Refused before a byte is stored, never ignored. */
const NOT_IMPLEMENTED: readonly (string | RegExp)[] = [/^retention-/, 'x-amz-mfa']

export function refuseUnsupported(request: S3Request): void {
  for (const name of request.headers.keys()) {
    const refused = NOT_IMPLEMENTED.some((rule) => (typeof rule === 'string' ? rule === name : rule.test(name)))
    if (refused) throw new S3Error('NotImplemented', undefined, { extra: { Header: name } })
  }
}
