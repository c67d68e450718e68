import { shownInitiator, shownOwner } from '../access/shown-owner.ts'
import { listParameters, nameEncoder } from '../list-query.ts'
import { defineOperation } from '../operation.ts'
import { shownStorageClass } from '../storage-class.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const listMultipartUploads = defineOperation({
  name: 'ListMultipartUploads',
  method: 'GET',
  on: 'bucket',
  query: { uploads: true },
  action: 's3:ListBucketMultipartUploads',
  parse: (request) => ({
    name: bucketTarget(request),
    keyMarker: request.query.get('key-marker') ?? '',
    uploadIdMarker: request.query.get('upload-id-marker') ?? '',
    parameters: listParameters(request, 'max-uploads'),
  }),
  run: async ({ name, keyMarker, uploadIdMarker, parameters }, { objects }) => {
    const { prefix, delimiter, limit, encodingType } = parameters
    const bucket = objects.buckets.get(name)
    const page = await objects.listUploads({ bucket, prefix, delimiter, keyMarker, uploadIdMarker, limit })
    const encode = nameEncoder(parameters)
    const last = page.items.at(-1)
    const ownerOf = shownOwner(objects, bucket)
    return xmlReply('ListMultipartUploadsResult', {
      Bucket: name,
      KeyMarker: encode(keyMarker),
      UploadIdMarker: uploadIdMarker,
      ...(page.truncated && page.last !== undefined
        ? { NextKeyMarker: encode(page.last), NextUploadIdMarker: last?.key === page.last ? last.uploadId : '' }
        : {}),
      ...(delimiter ? { Delimiter: encode(delimiter) } : {}),
      Prefix: encode(prefix),
      MaxUploads: limit,
      IsTruncated: page.truncated,
      ...(encodingType ? { EncodingType: encodingType } : {}),
      Upload: page.items.map((upload) => ({
        Key: encode(upload.key),
        UploadId: upload.uploadId,
        Initiator: shownInitiator(upload.initiator, bucket),
        Owner: ownerOf(upload.owner),
        StorageClass: shownStorageClass(upload),
        Initiated: new Date(upload.createdAtMs).toISOString(),
        ...(upload.checksum
          ? { ChecksumAlgorithm: upload.checksum.algorithm.toUpperCase(), ChecksumType: upload.checksum.type }
          : {}),
      })),
      CommonPrefixes: page.commonPrefixes.map((common) => ({ Prefix: encode(common) })),
    })
  },
})
