import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '../../../base/checksums.ts'
import type { ListedPart } from '../../../objects/complete-upload.ts'
import { headerChecksumAlgorithm, readXmlBody } from '../checksum-headers.ts'
import { conditionNeeds, writeConditions } from '../condition-headers.ts'
import { requestedEncryption } from '../encryption-headers.ts'
import { S3Error } from '../error-codes.ts'
import { expirationOfStored } from '../lifecycle/headers.ts'
import { protectionNeeds, uploadProtection } from '../lock/protection.ts'
import { encryptionHeaders } from '../object-headers.ts'
import { defineOperation } from '../operation.ts'
import { replicaNeeds, replicaOf } from '../replication/replica-headers.ts'
import type { S3Request } from '../request.ts'
import { integer, located, quoted, unquoted } from '../target.ts'
import { uploadTarget } from '../upload-target.ts'
import { writtenVersionHeader } from '../version-headers.ts'
import { parseXml, type XmlElement } from '../xml/decode.ts'
import { xmlReply } from '../xml-reply.ts'

const MAX_BODY_BYTES = 8 * 1024 * 1024
const MAX_PARTS = 10_000

export const completeMultipartUpload = defineOperation({
  name: 'CompleteMultipartUpload',
  method: 'POST',
  on: 'object',
  query: { uploadId: true },
  action: 's3:PutObject',
  makes: 'completion',
  alsoNeeds: (request) => [...conditionNeeds(request), ...protectionNeeds(request), ...replicaNeeds(request)],
  parse: (request) => {
    const { uploadId, ...target } = uploadTarget(request)
    const size = request.headers.get('x-amz-mp-object-size')
    return {
      target,
      uploadId,
      customerKey: requestedEncryption(request).customerKey,
      conditions: writeConditions(request),
      lock: uploadProtection(request),
      checksum: objectChecksum(request),
      checksumType: checksumType(request),
      replica: replicaOf(request),
      sizeBytes: size === undefined ? undefined : integer('x-amz-mp-object-size', size, 0, Number.MAX_SAFE_INTEGER),
    }
  },
  run: async ({ target, ...input }, context) => {
    const { uploadId, customerKey, conditions, checksum, checksumType, sizeBytes, lock, replica } = input
    const { request, objects, settings } = context
    // The checksum header here is the finished object's, not the body's.
    const body = await readXmlBody(request, context.body, { maxBytes: MAX_BODY_BYTES, ignoreChecksums: true })
    if (body.length === 0) throw new S3Error('MalformedXML')
    const parts = parseXml(body, 'CompleteMultipartUpload', MAX_BODY_BYTES).children('Part').map(listedPart)
    if (parts.length === 0 || parts.length > MAX_PARTS) throw new S3Error('MalformedXML')
    const place = located(target, context)
    const done = await objects.completeUpload({
      ...place,
      uploadId,
      parts,
      conditions,
      customerKey: customerKey?.key,
      replica,
      ...(lock === undefined ? {} : { lock }),
      ...(checksum === undefined ? {} : { checksum }),
      ...(checksumType === undefined ? {} : { checksumType }),
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
    })
    const host = request.headers.get('host') ?? settings.region
    return xmlReply(
      'CompleteMultipartUploadResult',
      {
        Location: `${request.secure ? 'https' : 'http'}://${host}${request.rawPath}`,
        Bucket: target.bucket,
        Key: target.key,
        ETag: quoted(done.etag),
        ...(done.checksum
          ? {
              [`Checksum${done.checksum.algorithm.toUpperCase()}`]: done.checksum.value,
              ChecksumType: done.checksum.type,
            }
          : {}),
      },
      {
        ...encryptionHeaders(done.protection, customerKey),
        ...(await expirationOfStored(objects, place)),
        ...writtenVersionHeader(done.versionId),
      },
    )
  },
})

function listedPart(element: XmlElement): ListedPart {
  const number = element.text('PartNumber')?.trim() ?? ''
  const etag = element.text('ETag')
  if (!/^\d{1,9}$/.test(number) || etag === undefined) throw new S3Error('MalformedXML')
  if (Number(number) < 1 || Number(number) > MAX_PARTS) {
    throw new S3Error('InvalidArgument', 'PartNumber must be >= 1', {
      extra: { ArgumentName: 'PartNumber', ArgumentValue: number },
    })
  }
  const checksum = CHECKSUM_ALGORITHMS.map((name) => element.text(`Checksum${name.toUpperCase()}`)).find(
    (sum) => sum !== undefined,
  )
  const part = { number: Number(number), etag: unquoted(etag) }
  return checksum === undefined ? part : { ...part, checksum }
}

/** In base64 as the header has it: a composite one ends with the number of parts, and what is none equals none. */
function objectChecksum(
  request: S3Request,
): { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined {
  const algorithm = headerChecksumAlgorithm(request)
  return algorithm && { algorithm, value: request.headers.get(`x-amz-checksum-${algorithm}`) ?? '' }
}

function checksumType({ headers }: S3Request): 'FULL_OBJECT' | 'COMPOSITE' | undefined {
  const type = headers.get('x-amz-checksum-type')
  if (type === undefined || type === 'FULL_OBJECT' || type === 'COMPOSITE') return type
  throw new S3Error('InvalidRequest', 'Value for x-amz-checksum-type header is invalid.')
}
