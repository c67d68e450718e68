import { shownOwner } from '../access/shown-owner.ts'
import { entryWriter, listParameters, nameEncoder, ownerElements } from '../list-query.ts'
import { bucketKeyHeaders } from '../object-headers.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const listObjects = defineOperation({
  name: 'ListObjects',
  method: 'GET',
  on: 'bucket',
  action: 's3:ListBucket',
  parse: (request) => ({
    name: bucketTarget(request),
    marker: request.query.get('marker') ?? '',
    parameters: listParameters(request, 'max-keys'),
  }),
  run: async ({ name, marker, parameters }, { objects, may }) => {
    const { prefix, delimiter, limit, encodingType } = parameters
    const bucket = objects.buckets.get(name)
    const page = await objects.list({ bucket, prefix, delimiter, after: marker, limit })
    const encode = nameEncoder(parameters)
    const ownerOf = shownOwner(objects, bucket)
    const element = ownerElements()
    const entry = entryWriter(parameters)
    return xmlReply(
      'ListBucketResult',
      {
        Name: name,
        // S3 encodes everything of a first-generation listing but the prefix, and its clients don't decode it.
        Prefix: prefix,
        Marker: encode(marker),
        // S3: NextMarker only with a delimiter; without one the last key is the next marker.
        ...(page.truncated && delimiter && page.last !== undefined ? { NextMarker: encode(page.last) } : {}),
        MaxKeys: limit,
        ...(delimiter ? { Delimiter: encode(delimiter) } : {}),
        IsTruncated: page.truncated,
        ...(encodingType ? { EncodingType: encodingType } : {}),
        '#xml': page.items.map((item) => entry(item, element(ownerOf(item.owner)))).join(''),
        CommonPrefixes: page.commonPrefixes.map((common) => ({ Prefix: encode(common) })),
      },
      await bucketKeyHeaders(bucket, may),
    )
  },
})
