import type { PlainProperties } from '../../../objects/object-properties.ts'
import { shownOwner } from '../access/shown-owner.ts'
import { S3Error } from '../error-codes.ts'
import { entryWriter, listParameters, nameEncoder, ownerElements } from '../list-query.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const listObjectsV2 = defineOperation({
  name: 'ListObjectsV2',
  method: 'GET',
  on: 'bucket',
  query: { 'list-type': true },
  action: 's3:ListBucket',
  parse: (request) => {
    const { query } = request
    if (query.get('list-type') !== '2') {
      throw new S3Error('InvalidArgument', 'Invalid List Type specified in Request', {
        extra: { ArgumentName: 'list-type', ArgumentValue: query.get('list-type') ?? '' },
      })
    }
    return {
      name: bucketTarget(request),
      token: query.get('continuation-token'),
      startAfter: query.get('start-after'),
      fetchOwner: query.get('fetch-owner') === 'true',
      parameters: listParameters(request, 'max-keys'),
    }
  },
  run: async ({ name, token, startAfter, fetchOwner, parameters }, { objects }) => {
    const { prefix, delimiter, limit, encodingType } = parameters
    const bucket = objects.buckets.get(name)
    const after = token ? openToken(token) : (startAfter ?? '')
    const page = await objects.list({ bucket, prefix, delimiter, after, limit })
    const encode = nameEncoder(parameters)
    const ownerOf = shownOwner(objects, bucket)
    const element = ownerElements()
    const entry = entryWriter(parameters)
    const told = (owner: PlainProperties['owner']) => (fetchOwner ? element(ownerOf(owner)) : '')
    return xmlReply('ListBucketResult', {
      Name: name,
      Prefix: encode(prefix),
      ...(delimiter ? { Delimiter: encode(delimiter) } : {}),
      MaxKeys: limit,
      ...(encodingType ? { EncodingType: encodingType } : {}),
      KeyCount: page.items.length + page.commonPrefixes.length,
      IsTruncated: page.truncated,
      ...(token === undefined ? {} : { ContinuationToken: token }),
      ...(page.truncated && page.last !== undefined ? { NextContinuationToken: makeToken(page.last) } : {}),
      ...(startAfter === undefined ? {} : { StartAfter: encode(startAfter) }),
      '#xml': page.items.map((item) => entry(item, told(item.owner))).join(''),
      CommonPrefixes: page.commonPrefixes.map((common) => ({ Prefix: encode(common) })),
    })
  },
})

/** The token is the last name of the page, so that it means the same after a restart and on any node. */
const makeToken = (last: string): string => Buffer.from(`1${last}`, 'utf8').toString('base64')

function openToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString('utf8')
  if (!text.startsWith('1') || text.length < 2) {
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', {
      extra: { ArgumentName: 'continuation-token' },
    })
  }
  return text.slice(1)
}
