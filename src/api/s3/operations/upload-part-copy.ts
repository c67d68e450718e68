import { checkCopyConditions } from '../../../objects/conditions.ts'
import { readConditions } from '../condition-headers.ts'
import { copySource, copySourceUse, openSource, refuseCustomerKeySource } from '../copy-source.ts'
import { S3Error } from '../error-codes.ts'
import { encryptionHeaders } from '../object-headers.ts'
import { defineOperation } from '../operation.ts'
import { copySourceRange } from '../range.ts'
import { checkEncryptionHeaders } from '../refused-headers.ts'
import { located, quoted } from '../target.ts'
import { locatedUpload, partNumberOf, uploadTarget } from '../upload-target.ts'
import { copiedVersionHeader } from '../version-headers.ts'
import { xmlReply } from '../xml-reply.ts'

const RANGE = 'x-amz-copy-source-range'

export const uploadPartCopy = defineOperation({
  name: 'UploadPartCopy',
  method: 'PUT',
  on: 'object',
  query: { partNumber: true, uploadId: true },
  headers: ['x-amz-copy-source'],
  action: 's3:PutObject',
  alsoUses: copySourceUse,
  parse: (request) => {
    refuseCustomerKeySource(request)
    return {
      source: copySource(request),
      target: uploadTarget(request),
      partNumber: partNumberOf(request),
      range: copySourceRange(request.headers.get(RANGE)),
      conditions: readConditions(request, 'x-amz-copy-source-'),
    }
  },
  run: async ({ source, target, partNumber, range, conditions }, context) => {
    const upload = await locatedUpload(target, context)
    checkEncryptionHeaders(context.request, upload.bucket)
    const from = located(source, context)
    using object = await openSource(from, context)
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
    const part = await context.objects.uploadPart(upload, partNumber, {
      stream: object.read({ start, end }),
      lengthBytes: end - start,
      ...(algorithm ? { checksum: { algorithm, expected: () => undefined } } : {}),
    })
    return xmlReply(
      'CopyPartResult',
      {
        LastModified: new Date(part.modifiedAtMs).toISOString(),
        ETag: quoted(part.etag),
        ...(part.checksum ? { [`Checksum${part.checksum.algorithm.toUpperCase()}`]: part.checksum.value } : {}),
      },
      { ...encryptionHeaders(upload.protection), ...copiedVersionHeader(from.bucket, object.versionId) },
    )
  },
})
