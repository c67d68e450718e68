import { S3Error } from './error-codes.ts'
import type { S3Request } from './request.ts'
import { integer } from './target.ts'

const OFFSET = 'x-amz-write-offset-bytes'

/** They say something of a whole object, which is kept as it is. */
const OF_THE_WHOLE =
  /^x-amz-(acl|grant-.*|meta-.*|object-lock-.*|storage-class|tagging|website-redirect-location|server-side-encryption(-(aws-kms-key-id|context|bucket-key-enabled))?)$/

/** Where the object ends that the body is to be added to; undefined for an upload like any other. Throws InvalidArgument and InvalidRequest. */
export function writeOffset({ headers }: S3Request): number | undefined {
  const text = headers.get(OFFSET)
  if (text === undefined) return undefined
  const offset = integer(OFFSET, text, 0, Number.MAX_SAFE_INTEGER)
  const refused = offset > 0 ? [...headers.keys()].find((name) => OF_THE_WHOLE.test(name)) : undefined
  if (refused === undefined) return offset
  throw new S3Error('InvalidRequest', `${refused} cannot be given with what is appended to an object.`)
}
