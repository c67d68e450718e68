import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { LOCK_BODY, objectLock, readLockConfiguration } from '../lock/configuration.ts'
import { defaultRetentionSaid } from '../lock/headers.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

/** Also gives a bucket Object Lock that was made without, where versioning is enabled. There is no way back. */
export const putObjectLockConfiguration = defineOperation({
  name: 'PutObjectLockConfiguration',
  method: 'PUT',
  on: 'bucket',
  query: { 'object-lock': true },
  action: 's3:PutBucketObjectLockConfiguration',
  asksItself: true,
  parse: bucketTarget,
  run: async (name, { objects, request, body, require }) => {
    const bucket = objects.buckets.get(name)
    const document = readLockConfiguration(await readXmlBody(request, body, LOCK_BODY))
    const said = defaultRetentionSaid(document)
    await require({ bucket: name, action: 's3:PutBucketObjectLockConfiguration', said })
    await objectLock.change(objects, bucket, () => {
      // Looked at as the change is decided: no versioning is suspended meanwhile.
      if (objects.buckets.get(name).versioning !== 'Enabled') {
        throw new S3Error(
          'InvalidBucketState',
          "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        )
      }
      return document
    })
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
