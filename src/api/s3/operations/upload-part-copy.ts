import { checkCopyConditions } from '../../../objects/conditions.ts'
import { readConditions } from '../condition-headers.ts'
import { copySource, copySourceUse, openSource } from '../copy-source.ts'
import { sourceKeyOf } from '../customer-key.ts'
import { requestedEncryption } from '../encryption-headers.ts'
import { S3Error } from '../error-codes.ts'
import { encryptionHeaders } from '../object-headers.ts'
import { defineOperation } from '../operation.ts'
import { copySourceRange } from '../range.ts'
import { located, quoted } from '../target.ts'
import { locatedUpload, partNumberOf, uploadTarget } from '../upload-target.ts'
import { copiedVersionHeader } from '../version-headers.ts'
import { checkCustomerKey } from '../wanted-encryption.ts'
import { xmlReply } from '../xml-reply.ts'

const RANGE = 'x-amz-copy-source-range'

export const uploadPartCopy = defineOperation({
  name: 'UploadPartCopy',
  method: 'PUT',
  on: 'object',
  query: { partNumber: true, uploadId: true },
  headers: ['x-amz-copy-source'],
  action: 's3:PutObject',
  makes: 'part',
  alsoUses: copySourceUse,
  parse: (request) => {
    return {
      source: copySource(request),
      target: uploadTarget(request),
      partNumber: partNumberOf(request),
      customerKey: requestedEncryption(request).customerKey,
      sourceKey: sourceKeyOf(request),
      range: copySourceRange(request.headers.get(RANGE)),
      conditions: readConditions(request, 'x-amz-copy-source-'),
    }
  },
  run: async ({ source, target, partNumber, customerKey, sourceKey, range, conditions }, context) => {
    const upload = await locatedUpload(target, context)
    if (customerKey) checkCustomerKey(upload.bucket, context)
    const from = located(source, context)
    using object = await openSource({ ...from, customerKey: sourceKey?.key }, context)
    const { manifest, modifiedAtMs } = object
    checkCopyConditions(conditions, { etag: manifest.etag, modifiedAtMs })
    const { start, end } = range ?? { start: 0, end: manifest.sizeBytes }
    if (end > manifest.sizeBytes) {
      throw new S3Error(
        'InvalidRange',
        `Range specified is not valid for source object of size: ${manifest.sizeBytes}`,
        {
          extra: { ArgumentName: RANGE, ArgumentValue: context.request.headers.get(RANGE) ?? '' },
        },
      )
    }
    const algorithm = upload.checksum?.algorithm
    const body = {
      stream: object.read({ start, end }),
      lengthBytes: end - start,
      ...(algorithm ? { checksum: { algorithm, expected: () => undefined } } : {}),
    }
    const part = await context.objects.uploadPart(upload, partNumber, body, customerKey?.key)
    return xmlReply(
      'CopyPartResult',
      {
        LastModified: new Date(part.modifiedAtMs).toISOString(),
        ETag: quoted(part.etag),
        ...(part.checksum ? { [`Checksum${part.checksum.algorithm.toUpperCase()}`]: part.checksum.value } : {}),
      },
      { ...encryptionHeaders(upload.protection, customerKey), ...copiedVersionHeader(from.bucket, object.versionId) },
    )
  },
})
