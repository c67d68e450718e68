import { parseGrantHeader } from '../../../src/access/grants.ts'
import { writeOffset } from '../../../src/api/s3/append-headers.ts'
import { headerChecksumAlgorithm, readChecksumRequest } from '../../../src/api/s3/checksum-headers.ts'
import { readConditions, writeConditions } from '../../../src/api/s3/condition-headers.ts'
import { copySource, copySourceUse } from '../../../src/api/s3/copy-source.ts'
import { customerKeyOf, sourceKeyOf } from '../../../src/api/s3/customer-key.ts'
import { requestedEncryption } from '../../../src/api/s3/encryption-headers.ts'
import { listParameters } from '../../../src/api/s3/list-query.ts'
import { responseOverrides, uploadAttributes, userMetadata } from '../../../src/api/s3/object-headers.ts'
import { copySourceRange, resolveRange } from '../../../src/api/s3/range.ts'
import type { S3Request } from '../../../src/api/s3/request.ts'
import { announcedTrailers } from '../../../src/api/s3/sigv4/trailers.ts'
import { headerTags } from '../../../src/api/s3/tags.ts'
import { uploadProperties } from '../../../src/api/s3/upload-properties.ts'
import { CodedError } from '../../../src/base/errors.ts'
import { headOf, requestFrom } from '../http-head.ts'
import { type FuzzTarget, refusals } from '../target.ts'

/** Every reader of what a request's headers and query say. */
const READERS: readonly ((request: S3Request) => unknown)[] = [
  ...[writeOffset, readChecksumRequest, headerChecksumAlgorithm, writeConditions, copySource, copySourceUse],
  ...[customerKeyOf, sourceKeyOf, requestedEncryption, uploadAttributes, responseOverrides, announcedTrailers],
  ...[headerTags, uploadProperties],
  ({ headers }) => userMetadata(headers),
  (request) => readConditions(request),
  ({ headers }) => resolveRange(headers.get('range'), 1000),
  ({ headers }) => copySourceRange(headers.get('x-amz-copy-source-range')),
  (request) => listParameters(request, 'max-keys'),
  ({ headers }) => parseGrantHeader(headers.get('x-amz-grant-read') ?? ''),
]

const ALL = {
  host: 'bucket.s3.example.com',
  'content-length': '3',
  'content-md5': '1B2M2Y8AsgTpgAmY7PhCfg==',
  'content-type': 'text/plain',
  'cache-control': 'no-cache',
  expires: 'Tue, 01 Jan 2030 00:00:00 GMT',
  range: 'bytes=0-10',
  'if-match': '"a", W/"b"',
  'if-none-match': '*',
  'if-modified-since': 'Sunday, 06-Nov-94 08:49:37 GMT',
  'if-unmodified-since': 'Sun Nov  6 08:49:37 1994',
  'x-amz-copy-source': '/bucket/a%20b?versionId=null',
  'x-amz-copy-source-range': 'bytes=0-1',
  'x-amz-checksum-crc32': 'AAAAAA==',
  'x-amz-sdk-checksum-algorithm': 'CRC32',
  'x-amz-trailer': 'x-amz-checksum-sha256',
  'x-amz-tagging': 'a=b&c=%C3%A9',
  'x-amz-meta-a': '=?UTF-8?B?w6k=?=',
  'x-amz-storage-class': 'STANDARD',
  'x-amz-server-side-encryption': 'aws:kms',
  'x-amz-server-side-encryption-aws-kms-key-id':
    'crn:v1:bluemix:public:kms:us-south:a/0123456789abcdef0123456789abcdef:i:key:k',
  'x-amz-server-side-encryption-context': 'eyJhIjoiYiJ9',
  'x-amz-write-offset-bytes': '3',
  'x-amz-object-lock-mode': 'GOVERNANCE',
  'x-amz-object-lock-retain-until-date': '2030-01-01T00:00:00Z',
  'x-amz-grant-read': 'id="a", uri="http://acs.amazonaws.com/groups/global/AllUsers"',
  'retention-period': '3',
}
const QUERY = '?max-keys=3&prefix=a&delimiter=/&encoding-type=url&response-content-type=text/plain&versionId=null'

export const headersTarget: FuzzTarget = {
  name: 'headers',
  seeds: [
    headOf('PUT', `/a%20b${QUERY}`, ALL),
    ...Object.entries(ALL).map(([name, value]) => headOf('GET', '/bucket/key', { host: 'a', [name]: value })),
  ],
  words: Object.keys(ALL).map((name) => `\n${name}: `),
  mayThrow: refusals(),
  run: (input) => {
    const request = requestFrom(input)
    for (const read of READERS) {
      try {
        read(request)
      } catch (error) {
        // Another header may be what is refused: each reader is to have its turn.
        if (!(error instanceof CodedError)) throw error
      }
    }
  },
}
