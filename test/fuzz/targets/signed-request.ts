import assert from 'node:assert/strict'
import { Sha256 } from '@aws-crypto/sha256-js'
import { HttpRequest } from '@smithy/protocol-http'
import { SignatureV4 } from '@smithy/signature-v4'
import type { S3Request } from '../../../src/api/s3/request.ts'
import { authenticate } from '../../../src/api/s3/sigv4/authenticate.ts'
import { canonicalPath, canonicalQuery } from '../../../src/api/s3/sigv4/canonical.ts'
import { authMechanism } from '../../../src/api/s3/sigv4/mechanism.ts'
import { headOf, requestFrom } from '../http-head.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const NOW = Date.UTC(2030, 0, 1)
const CREDENTIAL = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'the secret' }
const signer = new SignatureV4({
  ...{ credentials: CREDENTIAL, region: 'us-east-1', service: 's3', sha256: Sha256 },
  ...{ uriEscapePath: false, applyChecksum: true },
})
const signingDate = new Date(NOW)
const base = (path: string, headers = {}) =>
  new HttpRequest({
    method: 'PUT',
    path,
    query: {},
    headers: { host: 'localhost:9000', ...headers },
    hostname: 'localhost',
  })

async function signedHead(path: string, headers = {}): Promise<Buffer> {
  const { method, headers: signed } = await signer.sign(base(path, headers), { signingDate })
  return headOf(method, path, signed)
}
const presigned = await signer.presign(base('/bucket/a%20b', { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }), {
  signingDate,
  expiresIn: 60,
})
const query = Object.entries(presigned.query ?? {}).map(
  ([name, value]) => `${name}=${encodeURIComponent(String(value))}`,
)
const SEEDS = [
  await signedHead('/bucket/key'),
  await signedHead('/bucket/%C3%A9/../x', { 'x-amz-meta-a': 'b  c', 'x-amz-copy-source': 'other/key' }),
  headOf('PUT', `/bucket/a%20b?${query.join('&')}`, { host: 'localhost:9000' }),
]

/** All that the operation behind may act upon. */
const meaning = ({ method, bucket, key, query, headers }: S3Request): string =>
  JSON.stringify([
    ...[method, bucket, key],
    [...query].filter(([name]) => name !== 'X-Amz-Signature').sort(),
    [...headers]
      .filter(([name]) => /^(host$|x-amz-|ibm-|x-coffer-)/.test(name))
      .map(([name, value]) => [name, value.replace(/[ \t]+/g, ' ')])
      .sort(),
  ])
const SIGNED = new Set(SEEDS.map((seed) => meaning(requestFrom(seed))))

export const signedRequestTarget: FuzzTarget = {
  name: 'signed-request',
  seeds: SEEDS,
  words: [
    ...[
      'x-amz-date: 20300101T000000Z',
      '\nx-amz-copy-source: a/b',
      '\nx-amz-acl: public-read',
      '\nhost: elsewhere',
      '&X-Amz-Signature=',
    ],
    ...[
      'AWS4-HMAC-SHA256',
      'Credential=',
      'SignedHeaders=host',
      'Signature=',
      '/s3/aws4_request',
      ';',
      '?delete',
      '&acl',
      '%2F',
      '\u00a0',
    ],
  ],
  mayThrow: refusals(),
  run: (input) => {
    const request = requestFrom(input)
    const path = canonicalPath(request.rawPath)
    assert.equal(canonicalPath(path), path)
    const canonical = canonicalQuery(request.rawQuery)
    assert.equal(canonicalQuery(canonical), canonical)
    if (authMechanism(request) === 'anonymous') return
    authenticate(request, {
      findCredential: (id) => (id === CREDENTIAL.accessKeyId ? CREDENTIAL : undefined),
      clock: { now: () => NOW },
      regions: 'any',
    })
    // Nobody has the secret: what verifies is what was signed, in other words at most.
    assert.ok(SIGNED.has(meaning(request)), `verified, though it was not signed: ${meaning(request)}`)
  },
}
