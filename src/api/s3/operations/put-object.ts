import { newObjectAccess } from '../access/new-object.ts'
import { writeOffset } from '../append-headers.ts'
import { bodyInput } from '../body-input.ts'
import { readChecksumRequest } from '../checksum-headers.ts'
import { writeConditions } from '../condition-headers.ts'
import { contextHeader, requestedEncryption } from '../encryption-headers.ts'
import { expirationOfStored } from '../lifecycle/headers.ts'
import { objectLock } from '../lock/configuration.ts'
import { requireIntegrity } from '../lock/headers.ts'
import { checksumHeader, encryptionHeaders, uploadAttributes } from '../object-headers.ts'
import { defineOperation } from '../operation.ts'
import { refuseUnsupported } from '../refused-headers.ts'
import { replicaNeeds, replicaOf } from '../replication/replica-headers.ts'
import { checkStorageClass } from '../storage-class.ts'
import { located, objectTarget, quoted } from '../target.ts'
import { uploadNeeds, uploadProperties } from '../upload-properties.ts'
import { writtenVersionHeader } from '../version-headers.ts'
import { wantedEncryption } from '../wanted-encryption.ts'

export const putObject = defineOperation({
  name: 'PutObject',
  method: 'PUT',
  on: 'object',
  storesBody: true,
  action: 's3:PutObject',
  makes: 'object',
  alsoNeeds: (request) => [...uploadNeeds(request), ...replicaNeeds(request)],
  parse: (request) => {
    refuseUnsupported(request)
    return {
      target: objectTarget(request),
      attributes: uploadAttributes(request),
      properties: uploadProperties(request),
      encryption: requestedEncryption(request),
      conditions: writeConditions(request),
      checksum: readChecksumRequest(request),
      offsetBytes: writeOffset(request),
      replica: replicaOf(request),
    }
  },
  run: async ({ target, attributes, properties, encryption, conditions, checksum, offsetBytes, replica }, context) => {
    const { bucket, key } = located(target, context)
    checkStorageClass(properties, context.settings)
    if (properties.lock || objectLock.of(context.objects, bucket)?.mode) requireIntegrity(context.request, 'Put Object')
    const body = bodyInput(context.body, checksum)
    const encrypting = await wantedEncryption(encryption, bucket, context)
    const access = await newObjectAccess(context, { bucket, key }, context.request)
    const upload = {
      ...{ bucket, key, body, attributes, conditions, encrypting, replica },
      properties: { ...properties, ...access },
    }
    const { put, append } = context.objects
    const stored = await (offsetBytes === undefined ? put(upload) : append({ ...upload, offsetBytes }))
    return {
      status: 200,
      headers: {
        etag: quoted(stored.etag),
        ...checksumHeader(stored.checksum),
        ...encryptionHeaders(stored.protection, encryption.customerKey),
        ...contextHeader(encryption.context),
        ...(await expirationOfStored(context.objects, { bucket, key })),
        ...writtenVersionHeader(stored.versionId),
        ...(offsetBytes === undefined ? {} : { 'x-amz-object-size': stored.sizeBytes }),
        'content-length': 0,
      },
    }
  },
})
