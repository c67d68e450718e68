import { describe, expect, it } from 'vitest'
import { CONDITION_KEYS } from '../../../src/access/condition-keys.ts'
import { type FactSources, factsOf } from '../../../src/api/s3/access/facts.ts'
import { ANONYMOUS_PRINCIPAL } from '../../../src/api/s3/anonymous.ts'
import type { S3Action, S3Operation } from '../../../src/api/s3/operation.ts'
import { OPERATIONS } from '../../../src/api/s3/operations/index.ts'
import type { Bucket } from '../../../src/objects/buckets.ts'
import { ACCOUNT, identity } from '../../support/access.ts'

const bucket = {
  serviceInstanceCrn: `crn:v1:bluemix:public:cloud-object-storage:global:a/${ACCOUNT}:i::`,
} as unknown as Bucket
const tag = { key: 'team', value: 'red' }
const SSE = 'x-amz-server-side-encryption'
const GRANTS = ['full-control', 'read', 'read-acp', 'write', 'write-acp'].map((name) => `x-amz-grant-${name}`)
/** Every header that there is a condition key for. */
const HEADERS = [
  ...['x-amz-acl', 'x-amz-content-sha256', 'x-amz-metadata-directive', 'x-amz-object-ownership', ...GRANTS, SSE],
  ...['x-amz-storage-class', `${SSE}-aws-kms-key-id`, `${SSE}-customer-algorithm`, 'x-amz-website-redirect-location'],
  ...['if-match', 'if-none-match', 'x-amz-copy-source', 'x-amz-object-lock-mode', 'x-amz-object-lock-legal-hold'],
  ...['user-agent', 'referer'],
]

interface Asked extends Partial<Omit<FactSources, 'operation' | 'request'>> {
  readonly operation?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
}

const ANN = { type: 'user', iamId: 'ann', accountId: ACCOUNT, roles: {}, name: 'ann', email: '' } as const
const operationOf = (name: string): S3Operation | undefined => OPERATIONS.find((one) => one.name === name)

/** With every header and parameter there is, unless said otherwise. */
function facts({ operation = 'GetObject', headers, query, ...more }: Asked = {}) {
  const found = operationOf(operation)
  const given = headers ?? {
    ...Object.fromEntries(HEADERS.map((name) => [name, `b/${name}`])),
    'x-amz-object-lock-retain-until-date': '1970-01-03T00:00:00Z',
    authorization: 'AWS4-HMAC-SHA256 Credential=x',
  }
  const request = {
    headers: new Map(Object.entries(given)),
    query: new Map(Object.entries(query ?? { prefix: 'p', delimiter: '/', 'max-keys': '1' })),
    secure: true,
    incoming: { socket: { getProtocol: () => 'TLSv1.3' }, headers: { 'user-agent': 'real', referer: 'real' } },
  }
  return factsOf({
    ...{ request: request as never, isForm: false, requester: identity(), sourceIp: '192.0.2.1', nowMs: 86_400_000 },
    principal: ANN,
    ...{ region: 'us-east-1', bucket, versionId: 'v', action: found?.action, existingTags: [tag], requestTags: [tag] },
    bucketTags: [tag],
    ...more,
    operation: found,
  })
}

/** Keys of what there is not here, and of which AWS's requests, too, have a value only where there is such a thing. */
const NOWHERE = new Set(
  [
    ...['assumedroot', 'calledvia', 'calledviafirst', 'calledvialast', 'chatbotsourcearn', 'ec2instancesourcevpc'],
    ...['ec2instancesourceprivateipv4', 'federatedprovider', 'multifactorauthage'],
    ...['principalorgid', 'principalorgpaths', 'principaltag/', 'resourceorgid', 'resourceorgpaths'],
    ...['signinsessionarn', 'sourceaccount', 'sourcearn', 'sourceidentity', 'sourceinstancearn', 'sourceorgid'],
    ...['sourceorgpaths', 'sourceowner', 'sourcevpc', 'sourcevpcarn', 'sourcevpce'],
    ...['vpceaccount', 'vpceorgid', 'vpceorgpaths', 'vpcsourceip'],
  ]
    .map((name) => `aws:${name}`)
    .concat(
      [
        ...['accessgrantsinstancearn', 'accesspointnetworkorigin', 'accesspointtag/', 'dataaccesspointaccount'],
        ...['dataaccesspointarn', 'destinationregion', 'isreplicationpauserequest'],
      ].map((name) => `s3:${name}`),
    ),
)

/** Where the request of GetObject has no value. */
const ELSEWHERE: Readonly<Record<string, Asked>> = {
  'aws:tokenissuetime': { principal: { ...ANN, temporarySinceMs: 0 } },
  'aws:multifactorauthpresent': { principal: { ...ANN, temporarySinceMs: 0 } },
  ...{ 's3:prefix': { operation: 'ListObjectsV2' }, 's3:delimiter': { operation: 'ListObjectsV2' } },
  ...{ 's3:max-keys': { operation: 'ListObjectsV2' }, 's3:x-amz-object-ownership': { operation: 'CreateBucket' } },
  ...{
    's3:x-amz-copy-source': { operation: 'CopyObject' },
    's3:x-amz-metadata-directive': { operation: 'CopyObject' },
  },
  's3:signatureage': { headers: {}, query: { 'X-Amz-Algorithm': 'x', 'X-Amz-Date': '19700101T000000Z' } },
  's3:inventoryaccessibleoptionalfields': {
    ...{ operation: 'PutBucketInventoryConfiguration', said: { inventoryaccessibleoptionalfields: ['Size'] } },
  },
  's3:locationconstraint': { operation: 'CreateBucket', location: 'us-south' },
  'aws:requesttag/': { operation: 'PutBucketTagging', newBucketTags: [tag] },
  'aws:tagkeys': { operation: 'PutBucketTagging', newBucketTags: [tag] },
  'aws:principalservicename': { requester: { type: 'service', arns: [], services: ['a', 'b'] } as never },
  'aws:principalservicenameslist': { requester: { type: 'service', arns: [], services: ['a', 'b'] } as never },
}

describe('a condition key', () => {
  it.each([...CONDITION_KEYS])('%s has a value where there is one', (known) => {
    const key = known.endsWith('/') ? `${known}team` : known
    const values = [ELSEWHERE[known], {}, { operation: 'PutObject' }].map((asked) => asked && facts(asked).get(key))
    expect(values.some((value) => value !== undefined && value.length > 0)).toBe(!NOWHERE.has(known))
  })

  const OF_NEW = ['x-amz-acl', 'x-amz-grant-read', 'x-amz-storage-class', 'object-lock-mode', 'object-lock-legal-hold']
  it.each([
    ['PutObject', true, true, true, 'true'],
    ['PostObject', true, true, true, 'true'],
    ['CopyObject', true, true, true, 'true'],
    ['CreateMultipartUpload', true, true, false, 'false'],
    ['UploadPart', false, true, false, 'false'],
    ['UploadPartCopy', false, true, false, 'false'],
    ['CompleteMultipartUpload', false, true, true, 'true'],
    ['RenameObject', false, false, true, 'true'],
    ['PutObjectTagging', false, false, false, undefined],
    ['GetObject', false, false, false, undefined],
  ] as const)('of %s has the headers that act', (operation, describes, encrypts, compares, creates) => {
    const { get } = facts({ operation })
    expect(OF_NEW.map((name) => get(`s3:${name}`) !== undefined)).toEqual(OF_NEW.map(() => describes))
    expect(get(`s3:${SSE}`) !== undefined).toBe(encrypts)
    expect(['if-match', 'if-none-match'].map((name) => get(`s3:${name}`) !== undefined)).toEqual([compares, compares])
    expect(get('s3:objectcreationoperation')).toEqual(creates && [creates])
    expect(get('s3:prefix')).toBeUndefined()
  })

  it('of the source of a copy, or of what else a request takes, has no conditions of writing', () => {
    for (const action of ['s3:GetObject', 's3:PutObjectTagging'] as const satisfies S3Action[]) {
      const { get } = facts({ operation: 'CopyObject', action })
      expect([get('s3:if-match'), get('s3:objectcreationoperation')]).toEqual([undefined, undefined])
    }
  })

  it('of a deletion has the ETag, and of a document what it says', () => {
    expect(facts({ operation: 'DeleteObject' }).get('s3:if-match')).toEqual(['b/if-match'])
    expect(facts({ operation: 'DeleteObject' }).get('s3:if-none-match')).toBeUndefined()
    expect(facts({ operation: 'DeleteObjects' }).get('s3:if-match')).toBeUndefined()
    expect(facts({ operation: 'DeleteObjects', said: { 'if-match': 'e' } }).get('s3:if-match')).toEqual(['e'])
    const said = { 'x-amz-object-lock-retain-until-date': '1970-01-04T00:00:00Z' }
    const { get } = facts({ operation: 'PutObjectRetention', said })
    expect(get('s3:object-lock-remaining-retention-days')).toEqual(['2'])
    expect(get('s3:object-lock-mode')).toBeUndefined()
  })

  it('tells a signature from a token, and from what nobody verified', () => {
    const told = (asked: Asked) => ['signatureversion', 'authtype'].map((name) => facts(asked).get(`s3:${name}`)?.[0])
    const V4 = 'AWS4-HMAC-SHA256'
    expect(told({})).toEqual([V4, 'REST-HEADER'])
    expect(told({ headers: {}, query: { 'X-Amz-Algorithm': V4 } })).toEqual([V4, 'REST-QUERY-STRING'])
    expect(told({ headers: { authorization: 'Bearer x' } })).toEqual([undefined, 'REST-HEADER'])
    expect(told({ isForm: true, headers: { 'x-amz-algorithm': V4 } })).toEqual([V4, 'POST'])
    expect(told({ isForm: true, headers: { awsaccesskeyid: 'x' } })).toEqual(['AWS', 'POST'])
    expect(told({ principal: ANONYMOUS_PRINCIPAL })).toEqual([undefined, undefined])
    expect(told({ principal: ANONYMOUS_PRINCIPAL, isForm: true, headers: {} })).toEqual([undefined, undefined])
    const age = { 'X-Amz-Date': '19700101T000000Z' }
    expect(facts({ query: age }).get('s3:signatureage')).toBeUndefined()
    const form = { isForm: true, headers: { 'user-agent': 'field', referer: 'field' } }
    expect(['useragent', 'referer'].map((name) => facts(form).get(`aws:${name}`))).toEqual([['real'], ['real']])
  })
})
