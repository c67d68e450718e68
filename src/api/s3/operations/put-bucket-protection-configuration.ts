import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { bucketProtection, PROTECTION_BODY, readProtection } from '../lock/protection.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

/** IBM: there is no way back, and no versioning together with it. What is there already keeps the retention that it has. */
export const putBucketProtectionConfiguration = defineOperation({
  name: 'PutBucketProtectionConfiguration',
  method: 'PUT',
  on: 'bucket',
  query: { protection: true },
  action: 's3:PutBucketProtection',
  parse: bucketTarget,
  run: async (name, { objects, request, body }) => {
    const bucket = objects.buckets.get(name)
    const protection = readProtection(await readXmlBody(request, body, PROTECTION_BODY))
    await bucketProtection.change(objects, bucket, (now) => {
      if (objects.buckets.get(name).versioning !== undefined) {
        throw new S3Error('InvalidBucketState', 'A bucket with versioning cannot be protected by retention.')
      }
      if (now?.permanent && !protection.permanent) {
        throw new S3Error('InvalidBucketState', 'Permanent retention cannot be disabled once it is enabled.')
      }
      return protection
    })
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
