import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { checkConditions } from '../../../src/api/s3/sigv4/policy-conditions.ts'
import { parsePolicy } from '../../../src/api/s3/sigv4/policy-document.ts'
import { verifyPostPolicy } from '../../../src/api/s3/sigv4/post-policy.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const NOW = Date.UTC(2030, 0, 1)
const DATE = '20300101T000000Z'
const SCOPE = '20300101/us-east-1/s3/aws4_request'
const SECRET = 'the secret'
const signingKey = SCOPE.split('/').reduce(
  (key: Buffer | string, part) => createHmac('sha256', key).update(part).digest(),
  `AWS4${SECRET}`,
)

const POLICIES = [
  {
    expiration: '2030-01-02T00:00:00Z',
    conditions: [
      ...[{ bucket: 'b' }, ['starts-with', '$key', 'user/'], { 'x-amz-date': DATE }, ['content-length-range', 0, 10]],
      ...[{ 'x-amz-credential': `AKID/${SCOPE}` }, { 'x-amz-algorithm': 'AWS4-HMAC-SHA256' }],
    ],
  },
  {
    expiration: '2030-01-02T00:00:00.000Z',
    conditions: [
      ['eq', '$key', 'a'],
      ['starts-with', '$Content-Type', 'image/'],
    ],
  },
].map((policy) => JSON.stringify(policy))

const field = fc.constantFrom('key', '$key', '$bucket', '$', '__proto__', 'x-amz-date', '$x-ignore-a')
const condition = fc.oneof(
  fc.tuple(
    fc.constantFrom('eq', 'starts-with', 'content-length-range', 'EQ', 'in'),
    field,
    fc.string({ maxLength: 4 }),
  ),
  fc.tuple(fc.constant('content-length-range'), fc.anything(), fc.anything()),
  fc.dictionary(field, fc.oneof(fc.string({ maxLength: 4 }), fc.constant(null), fc.integer())),
  fc.anything(),
)

export const postPolicyTarget: FuzzTarget = {
  name: 'post-policy',
  seeds: POLICIES.map((policy) => Buffer.from(policy)),
  inputs: fc
    .record({
      expiration: fc.constantFrom('2030-01-02T00:00:00Z', '2030-13-41T00:00:00Z', 1, null),
      conditions: fc.array(condition, { maxLength: 5 }),
    })
    .map((policy) => Buffer.from(JSON.stringify(policy))),
  words: [
    '"$key"',
    '"eq"',
    '"starts-with"',
    '"content-length-range"',
    '"conditions"',
    '"expiration"',
    '"2030-01-02T00:00:00Z"',
  ],
  mayThrow: refusals(),
  run: (input) => {
    const base64 = input.toString('base64')
    const { conditions } = parsePolicy(base64)
    for (const condition of conditions) {
      if (condition.operator !== 'content-length-range') continue
      const range = checkConditions([condition], new Map())
      assert.ok(Number.isSafeInteger(range?.minBytes) && Number.isSafeInteger(range?.maxBytes))
    }
    const fields = new Map(
      Object.entries({
        ...{ policy: base64, key: 'user/a', 'x-amz-date': DATE, 'x-amz-algorithm': 'AWS4-HMAC-SHA256' },
        'x-amz-credential': `AKID/${SCOPE}`,
        'x-amz-signature': createHmac('sha256', signingKey).update(base64).digest('hex'),
      }),
    )
    const credential = { accessKeyId: 'AKID', secretAccessKey: SECRET }
    try {
      const { key } = verifyPostPolicy(fields, {
        ...{ bucket: 'b', filename: 'f', findCredential: () => credential },
        ...{ clock: { now: () => NOW }, regions: 'any' as const },
      })
      assert.equal(key, 'user/a')
    } catch (error) {
      // The policy may be of another form than the one sent here.
      if (!refusals()(error)) throw error
    }
  },
}
