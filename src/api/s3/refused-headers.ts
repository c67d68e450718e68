import type { BucketRecord } from '../../objects/records.ts'
import { S3Error } from './error-codes.ts'
import type { S3Request } from './request.ts'

/** Headers that ask for something Coffer doesn't do (yet). Refused before a byte is stored, never ignored. */
const NOT_IMPLEMENTED: readonly (string | RegExp)[] = [
  'x-amz-write-offset-bytes',
  /^x-amz-object-lock-/,
  /^x-amz-server-side-encryption-(context|aws-kms-key-id)$/,
  /^retention-/,
  'x-amz-bypass-governance-retention',
  'x-amz-mfa',
  'x-amz-if-match-last-modified-time',
  'x-amz-if-match-size',
]

const SSE = 'x-amz-server-side-encryption'

export function refuseUnsupported(request: S3Request): void {
  for (const name of request.headers.keys()) {
    const refused = NOT_IMPLEMENTED.some((rule) => (typeof rule === 'string' ? rule === name : rule.test(name)))
    if (refused) throw new S3Error('NotImplemented', undefined, { extra: { Header: name } })
  }
  refuseAcl(request)
  const storageClass = request.headers.get('x-amz-storage-class')
  if (storageClass !== undefined && storageClass !== 'STANDARD') throw new S3Error('InvalidStorageClass')
}

/** AWS since 2023: a new bucket enforces its owner; ACLs are refused unless they say just that. */
function refuseAcl(request: S3Request): void {
  const acl = request.headers.get('x-amz-acl')
  const granted = [...request.headers.keys()].some((name) => name.startsWith('x-amz-grant-'))
  if (granted || (acl !== undefined && acl !== 'private' && acl !== 'bucket-owner-full-control')) {
    throw new S3Error('AccessControlListNotSupported')
  }
}

/** Server-side encryption as the request names it must be what the bucket does. */
export function checkEncryptionHeaders(request: S3Request, bucket: BucketRecord): void {
  const customerKey = [...request.headers.keys()].some((name) => name.startsWith(`${SSE}-customer-`))
  if (customerKey) {
    throw bucket.encryption === 'customer-managed'
      ? new S3Error(
          'InvalidRequest',
          'SSE-C is not supported on a bucket that is encrypted with a Key Protect root key.',
        )
      : new S3Error('NotImplemented', 'Server-side encryption with customer-provided keys (SSE-C) is not implemented.')
  }
  const algorithm = request.headers.get(SSE)
  if (algorithm === undefined) return
  if (algorithm === 'aws:kms' || algorithm === 'aws:kms:dsse') {
    throw new S3Error(
      'NotImplemented',
      `Server-side encryption ${algorithm} by request is not implemented: the bucket decides.`,
    )
  }
  if (algorithm !== 'AES256') throw new S3Error('InvalidEncryptionAlgorithmError')
  if (bucket.encryption === 'customer-managed') {
    throw new S3Error(
      'InvalidRequest',
      'The objects of this bucket are encrypted with its Key Protect root key; AES256 cannot be asked for.',
    )
  }
}
