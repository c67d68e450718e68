import { describingHeaders } from '../access/acting-headers.ts'
import { newObjectAccess } from '../access/new-object.ts'
import { contextHeader, requestedEncryption } from '../encryption-headers.ts'
import { abortHeaders } from '../lifecycle/headers.ts'
import { readMultipartChecksum } from '../multipart-checksum.ts'
import { encryptionHeaders, uploadAttributes } from '../object-headers.ts'
import { defineOperation, type OperationContext } from '../operation.ts'
import { refuseUnsupported } from '../refused-headers.ts'
import { checkStorageClass } from '../storage-class.ts'
import { located, objectTarget } from '../target.ts'
import { uploadNeeds, uploadProperties } from '../upload-properties.ts'
import { wantedEncryption } from '../wanted-encryption.ts'
import { xmlReply } from '../xml-reply.ts'

export const createMultipartUpload = defineOperation({
  name: 'CreateMultipartUpload',
  method: 'POST',
  on: 'object',
  query: { uploads: true },
  action: 's3:PutObject',
  makes: 'upload',
  alsoNeeds: uploadNeeds,
  parse: (request) => {
    refuseUnsupported(request)
    return {
      target: objectTarget(request),
      attributes: uploadAttributes(request),
      properties: uploadProperties(request),
      encryption: requestedEncryption(request),
      checksum: readMultipartChecksum(request),
    }
  },
  run: async ({ target, attributes, properties, encryption, checksum }, context) => {
    const { bucket, key } = located(target, context)
    checkStorageClass(properties, context.settings)
    const access = await newObjectAccess(context, { bucket, key }, context.request)
    const { uploadId, createdAtMs, protection } = await context.objects.createUpload({
      bucket,
      key,
      attributes,
      properties: { ...properties, ...access },
      initiator: initiatorOf(context),
      said: describingHeaders(context.request),
      encrypting: await wantedEncryption(encryption, bucket, context),
      ...(checksum ? { checksum } : {}),
    })
    return xmlReply(
      'InitiateMultipartUploadResult',
      { Bucket: target.bucket, Key: key, UploadId: uploadId },
      {
        ...encryptionHeaders(protection, encryption.customerKey),
        ...contextHeader(encryption.context),
        ...abortHeaders(context.objects, bucket, key, createdAtMs),
        ...(checksum
          ? { 'x-amz-checksum-algorithm': checksum.algorithm.toUpperCase(), 'x-amz-checksum-type': checksum.type }
          : {}),
      },
    )
  },
})

const initiatorOf = ({ principal, owner }: OperationContext) =>
  principal.type === 'anonymous' ? undefined : { ...owner, iamId: principal.iamId }
