import type { Upload } from '../../../objects/uploads.ts'
import { bodyInput } from '../body-input.ts'
import { type ChecksumRequest, readChecksumRequest } from '../checksum-headers.ts'
import { requestedEncryption } from '../encryption-headers.ts'
import { S3Error } from '../error-codes.ts'
import { objectLock } from '../lock/configuration.ts'
import { requireIntegrity } from '../lock/headers.ts'
import { checksumHeader, encryptionHeaders } from '../object-headers.ts'
import { defineOperation } from '../operation.ts'
import { quoted } from '../target.ts'
import { locatedUpload, partNumberOf, uploadTarget } from '../upload-target.ts'
import { checkCustomerKey } from '../wanted-encryption.ts'

export const uploadPart = defineOperation({
  name: 'UploadPart',
  method: 'PUT',
  on: 'object',
  query: { partNumber: true, uploadId: true },
  storesBody: true,
  action: 's3:PutObject',
  makes: 'part',
  parse: (request) => ({
    target: uploadTarget(request),
    partNumber: partNumberOf(request),
    // The upload's own encryption counts; what else a part names must be something that there is.
    customerKey: requestedEncryption(request).customerKey,
    checksum: readChecksumRequest(request),
  }),
  run: async ({ target, partNumber, customerKey, checksum }, context) => {
    const upload = await locatedUpload(target, context)
    const isLocked = upload.record.properties.lock || objectLock.of(context.objects, upload.bucket)?.mode
    if (isLocked) requireIntegrity(context.request, 'Put Part')
    if (customerKey) checkCustomerKey(upload.bucket, context)
    const body = bodyInput(context.body, partChecksum(checksum, upload))
    const part = await context.objects.uploadPart(upload, partNumber, body, customerKey?.key)
    // The type is the object's, not the part's: S3 leaves it out here.
    const { 'x-amz-checksum-type': _, ...sum } = checksumHeader(part.checksum)
    return {
      status: 200,
      headers: {
        etag: quoted(part.etag),
        ...sum,
        ...encryptionHeaders(upload.protection, customerKey),
        'content-length': 0,
      },
    }
  },
})

/** A part of an upload with checksums always gets one; another algorithm than the upload's is refused. */
function partChecksum(wanted: ChecksumRequest, upload: Upload): ChecksumRequest {
  const algorithm = upload.checksum?.algorithm
  if (algorithm && wanted.algorithm && wanted.algorithm !== algorithm) {
    throw new S3Error(
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${algorithm}, actual checksum Type: ${wanted.algorithm}`,
    )
  }
  return algorithm ? { ...wanted, algorithm } : wanted
}
