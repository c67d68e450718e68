import { S3Error } from './error-codes.ts'
import type { S3Request } from './request.ts'
import { checkNullVersion, type ObjectTarget } from './target.ts'
import { decodeComponent } from './uri.ts'

const HEADER = 'x-amz-copy-source'

/** `[/]bucket/key[?versionId=…]`, percent-encoded; decoded once, never normalised, like a request's own path. */
export function copySource({ headers }: S3Request): ObjectTarget {
  const value = headers.get(HEADER) ?? ''
  const [path, versionId] = split(value)
  const decoded = decodeComponent(path)
  const text = decoded.startsWith('/') ? decoded.slice(1) : decoded
  const slash = text.indexOf('/')
  if (slash < 1 || slash === text.length - 1) {
    throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey', {
      extra: { ArgumentName: HEADER, ArgumentValue: value },
    })
  }
  const source = { bucket: text.slice(0, slash), key: text.slice(slash + 1) }
  if (versionId !== undefined) checkNullVersion(decodeComponent(versionId), source.key)
  return source
}

const VERSION = '?versionId='

/** A `?` that belongs to the key arrives as %3F. */
function split(value: string): readonly [path: string, versionId: string | undefined] {
  const at = value.indexOf(VERSION)
  return at < 0 ? [value, undefined] : [value.slice(0, at), value.slice(at + VERSION.length)]
}

export const copySourceUse = (request: S3Request) => ({ ...copySource(request), action: 's3:GetObject' }) as const

export function refuseCustomerKeySource({ headers }: S3Request): void {
  for (const name of headers.keys()) {
    if (name.startsWith('x-amz-copy-source-server-side-encryption-customer-')) {
      throw new S3Error(
        'NotImplemented',
        'Server-side encryption with customer-provided keys (SSE-C) is not implemented.',
      )
    }
  }
}
