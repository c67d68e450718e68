import { shownInitiator, shownOwner } from '../access/shown-owner.ts'
import { abortHeaders } from '../lifecycle/headers.ts'
import { defineOperation } from '../operation.ts'
import { shownStorageClass } from '../storage-class.ts'
import { integer, quoted } from '../target.ts'
import { locatedUpload, uploadTarget } from '../upload-target.ts'
import { xmlReply } from '../xml-reply.ts'

const PAGE = 1000

export const listParts = defineOperation({
  name: 'ListParts',
  method: 'GET',
  on: 'object',
  query: { uploadId: true },
  action: 's3:ListMultipartUploadParts',
  parse: (request) => ({
    target: uploadTarget(request),
    after: integer('part-number-marker', request.query.get('part-number-marker') || '0', 0, 2 ** 31 - 1),
    maxParts: integer('max-parts', request.query.get('max-parts') || String(PAGE), 0, 2 ** 31 - 1),
  }),
  run: async ({ target, after, maxParts }, context) => {
    const upload = await locatedUpload(target, context)
    const limit = Math.min(maxParts, PAGE)
    const found = await context.objects.listParts(upload, Math.min(after, 10_000), limit + 1)
    const parts = found.slice(0, limit)
    const last = parts.at(-1)
    const { bucket, record } = upload
    const aborted = abortHeaders(context.objects, bucket, target.key, record.createdAtMs)
    const content = {
      Bucket: target.bucket,
      Key: target.key,
      UploadId: target.uploadId,
      Initiator: shownInitiator(record.initiator, bucket),
      Owner: shownOwner(context.objects, bucket)(record.properties.owner),
      StorageClass: shownStorageClass(record.properties),
      PartNumberMarker: after,
      // Left out of an empty page: a client that goes on for as long as there is a marker would go on for ever.
      ...(last ? { NextPartNumberMarker: last.number } : {}),
      MaxParts: limit,
      // A page of nothing is the last one: it has no marker to go on from.
      IsTruncated: limit > 0 && found.length > limit,
      ...(upload.checksum
        ? { ChecksumAlgorithm: upload.checksum.algorithm.toUpperCase(), ChecksumType: upload.checksum.type }
        : {}),
      Part: parts.map((part) => ({
        PartNumber: part.number,
        LastModified: new Date(part.modifiedAtMs).toISOString(),
        ETag: quoted(part.etag),
        Size: part.sizeBytes,
        ...(part.checksum ? { [`Checksum${part.checksum.algorithm.toUpperCase()}`]: part.checksum.value } : {}),
      })),
    }
    return xmlReply('ListPartsResult', content, aborted)
  },
})
