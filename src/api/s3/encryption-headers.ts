import { S3Error } from './error-codes.ts'
import type { S3Request } from './request.ts'

export const SSE = 'x-amz-server-side-encryption'
export const BUCKET_KEY = `${SSE}-bucket-key-enabled`

/** Should a bucket key wrap the data key of what is stored? Undefined: as the bucket has it. */
export function wantedBucketKey({ headers }: S3Request): boolean | undefined {
  const value = headers.get(BUCKET_KEY)?.toLowerCase()
  if (value === undefined || value === 'true' || value === 'false')
    return value === undefined ? value : value === 'true'
  throw new S3Error(
    'InvalidArgument',
    'The x-amz-server-side-encryption-bucket-key-enabled value must be true or false.',
    {
      extra: { ArgumentName: BUCKET_KEY, ArgumentValue: headers.get(BUCKET_KEY) ?? '' },
    },
  )
}
