import { S3Error } from './error-codes.ts'

const RESERVED_PREFIXES = ['xn--', 'sthree-', 'amzn-s3-demo-', 'cosv1-', 'account-']
const RESERVED_SUFFIXES = ['-s3alias', '--ol-s3', '.mrap', '--x-s3', '--table-s3']

/**
 * S3's rules for general purpose buckets (and IBM's reserved prefixes): 3 to 63 lower-case letters, digits, dots and
 * hyphens, labels start and end with a letter or digit, no IP address, no reserved affix.
 */
export function checkBucketName(name: string): void {
  const wellFormed = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name)
  const address = /^\d+\.\d+\.\d+\.\d+$/.test(name)
  const reserved =
    RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix)) ||
    RESERVED_SUFFIXES.some((suffix) => name.endsWith(suffix))
  if (name.length < 3 || name.length > 63 || !wellFormed || address || reserved) {
    throw new S3Error('InvalidBucketName', undefined, { extra: { BucketName: name } })
  }
}
