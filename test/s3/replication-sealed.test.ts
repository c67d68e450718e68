import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CopyObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { filesUnder } from '../support/files-under.ts'
import { freePort } from '../support/free-port.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { MIN_PART_BYTES, uploadInParts } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'
import { bytesOf, described, head, isDone, rule, statusOf, versioned } from '../support/replication.ts'
import { makeBucket } from '../support/s3.ts'

const { accessKeyId, secretAccessKey } = mainAccount.user
const SECRET = 'content that nobody may read at the destination'
/** The same account, whose keys are elsewhere. */
const { keyProtectInstance, ...withoutKeys } = mainAccount
const AS_SEALED = { 'x-coffer-replica-sealed': 'true' }

let port = 0
let source: ObjectHouse
let there: ObjectHouse
let owner: KeyOwner
let rootKey: { readonly crn: string; readonly id: string }

const enable = (s3: S3Client, Bucket: string) =>
  s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
/** As IBM has it: whatever key the objects lie under. */
const replicate = (Bucket: string, destination: string) =>
  source.s3.send(
    new PutBucketReplicationCommand({
      Bucket,
      ReplicationConfiguration: { Role: undefined, Rules: [rule(`arn:coffer:s3::dr:${destination}`)] },
    }),
  )
async function startSource(kind: 'coffer' | 's3'): Promise<void> {
  source = await startObjectHouse({
    settings: {
      COFFER_S3_REPLICATION_TARGETS: `dr=http://127.0.0.1:${port}?kind=${kind}&bytes=sealed`,
      COFFER_S3_REPLICATION_CREDENTIALS: `dr=${accessKeyId}:${secretAccessKey}`,
    },
  })
  owner = await keyOwner(source.controlUrl)
  rootKey = await owner.newKey('of the customer')
  await makeBucket(source.s3, 'sealed', rootKey.crn)
  await enable(source.s3, 'sealed')
}
const put = (Key: string, Body: string, more = {}) =>
  source.s3.send(new PutObjectCommand({ Bucket: 'sealed', Key, Body, ...more }))
async function startThere(withKeys: boolean, directory?: string): Promise<void> {
  const keys = {
    COFFER_KEY_PROVIDERS_THEIRS_TYPE: 'key-protect',
    COFFER_KEY_PROVIDERS_THEIRS_URL: source?.controlUrl ?? '',
    COFFER_KEY_PROVIDERS_THEIRS_API_KEYS_FILE: join(source?.directory ?? '', 'api-keys'),
    COFFER_KEY_PROVIDERS_THEIRS_INSTANCES: keyProtectInstance,
  }
  if (withKeys)
    await writeFile(keys.COFFER_KEY_PROVIDERS_THEIRS_API_KEYS_FILE, `${mainAccount.id} ${mainAccount.user.apiKey}`, {
      mode: 0o600,
    })
  there = await startObjectHouse({
    settings: { COFFER_S3_LISTEN: `127.0.0.1:${port}`, ...(withKeys ? keys : {}) },
    accounts: [withoutKeys],
    ...(directory === undefined ? {} : { directory }),
  })
}
const rawOf = async (of: ObjectHouse, bucket: string, key: string) => {
  const reply = await sendRaw(of.s3Url, { method: 'GET', path: `/${bucket}/${key}`, headers: AS_SEALED })
  return { outcome: outcome(reply), bytes: reply.body, headers: reply.headers }
}

beforeEach(async () => {
  port = await freePort()
})
afterEach(async () => {
  await source[Symbol.asyncDispose]()
  await there[Symbol.asyncDispose]()
})

describe('Replication as sealed to a Coffer that has no key', () => {
  beforeEach(async () => {
    await startSource('coffer')
    await startThere(false)
    await versioned(there.s3, 'replicas')
    await replicate('sealed', 'replicas')
  })

  it('keeps versions that nobody there can read, under their names, sizes, dates and tags', async () => {
    const { VersionId } = await put('key', SECRET, { Metadata: { note: 'of the content' }, Tagging: 'a=1' })
    await isDone(source.s3, 'sealed', 'key')
    const { Contents } = await there.s3.send(new ListObjectsV2Command({ Bucket: 'replicas' }))
    expect(Contents).toMatchObject([{ Key: 'key', Size: SECRET.length }])
    const { ETag } = await head(source.s3, 'sealed', 'key')
    expect(Contents?.[0]?.ETag).not.toBe(ETag)
    expect(await refusal(there.s3.send(new GetObjectCommand({ Bucket: 'replicas', Key: 'key' })))).toBe(
      '403 InvalidObjectState',
    )
    const CopySource = 'replicas/key'
    expect(await refusal(there.s3.send(new CopyObjectCommand({ Bucket: 'replicas', Key: 'copy', CopySource })))).toBe(
      '403 InvalidObjectState',
    )
    const sealed = await rawOf(there, 'replicas', 'key')
    expect([sealed.outcome, sealed.headers['x-amz-version-id'], sealed.headers['x-amz-replication-status']]).toEqual([
      ...['200', VersionId, 'REPLICA'],
    ])
    expect(sealed.headers['x-amz-tagging-count']).toBe('1')
    for (const text of [SECRET, 'of the content']) expect(sealed.bytes.includes(text)).toBe(false)
    await put('key', 'more')
    await isDone(source.s3, 'sealed', 'key')
    await there.stop()
    for (const [file, bytes] of await filesUnder(there.dataDir)) {
      for (const text of [SECRET, 'of the content']) expect([file, bytes.includes(text)]).toEqual([file, false])
    }
  })

  it('can be compared with what it says of itself without any key', async () => {
    await put('key', SECRET)
    await isDone(source.s3, 'sealed', 'key')
    const { bytes } = await rawOf(there, 'replicas', 'key')
    // As docs/record-format.md says.
    expect(bytes.toString('latin1', 0, 4)).toBe('CSR1')
    const at = 8 + bytes.readUInt32BE(4)
    const header = JSON.parse(bytes.toString('utf8', 8, at))
    expect(header).toMatchObject({ v: 1, key: 'key', sizeBytes: SECRET.length, rootKeyCrn: rootKey.crn })
    let offset = at
    for (const [length, digest] of [header.manifest, ...header.parts.map((part: unknown[]) => part.slice(1))]) {
      const piece = bytes.subarray(offset, offset + length)
      expect(createHash('sha256').update(piece).digest('hex')).toBe(digest)
      offset += length
    }
    expect(offset).toBe(bytes.length)
  })

  it('is taken whole and unchanged, or not at all', async () => {
    const { VersionId = '' } = await put('key', SECRET)
    await isDone(source.s3, 'sealed', 'key')
    const { bytes } = await rawOf(there, 'replicas', 'key')
    const headers = {
      'x-coffer-replica-version-id': Buffer.alloc(16, 1).toString('base64url'),
      'x-coffer-replica-modified-ms': '1700000000000',
      'x-coffer-replica-sealed-size': String(SECRET.length),
    }
    const send = async (body: Buffer, more = {}, key = 'key') =>
      outcome(await there.raw({ method: 'PUT', key, body, headers: { ...headers, ...more } }))
    await enable(there.s3, there.bucket)
    // The version that it says it is, it is.
    expect(await send(bytes)).toBe('400 BadDigest')
    const right = { 'x-coffer-replica-version-id': VersionId }
    expect(await send(bytes, right, 'other')).toBe('400 BadDigest')
    expect(await send(bytes, { ...right, 'x-coffer-replica-sealed-size': '1' })).toBe('400 BadDigest')
    expect(await send(bytes.subarray(0, -1), right)).toBe('400 BadDigest')
    expect(await send(Buffer.concat([bytes, Buffer.alloc(1)]), right)).toBe('400 BadDigest')
    expect(await send(Buffer.from('plain'), right)).toBe('400 BadDigest')
    for (const at of [0, 5, bytes.length - 200, bytes.length - 1]) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(await send(changed, right)).toBe('400 BadDigest')
    }
    expect(await send(bytes, right)).toBe('200')
    expect(outcome(await there.raw({ method: 'GET', key: 'key' }))).toBe('403 InvalidObjectState')
  })

  it('follows tags and delete markers, and leaves objects in two layers behind', async () => {
    const { VersionId } = await put('key', SECRET)
    await isDone(source.s3, 'sealed', 'key')
    const TagSet = [{ Key: 'a', Value: '2' }]
    await source.s3.send(new PutObjectTaggingCommand({ Bucket: 'sealed', Key: 'key', VersionId, Tagging: { TagSet } }))
    await expect
      .poll(async () => (await rawOf(there, 'replicas', 'key')).headers['x-amz-tagging-count'], { timeout: 20_000 })
      .toBe('1')
    await put('twice', SECRET, { ServerSideEncryption: 'aws:kms:dsse' })
    await expect.poll(() => statusOf(source.s3, 'sealed', 'twice'), { timeout: 20_000 }).toBe('FAILED')
  })
})

describe('A sealed replica in a bucket under the root key that it came under', () => {
  beforeEach(async () => {
    await startSource('coffer')
    await startThere(true)
    await makeBucket(there.s3, 'replicas', rootKey.crn)
    await enable(there.s3, 'replicas')
    await replicate('sealed', 'replicas')
  })

  it('is read there like any other object, while the root key allows it', async () => {
    const content = randomBytes(300_000)
    const more = {
      ...{ ContentType: 'text/plain', Metadata: { a: 'b' }, Tagging: 'k=v' },
      ...({ ChecksumAlgorithm: 'SHA256' } as const),
    }
    await source.s3.send(new PutObjectCommand({ Bucket: 'sealed', Key: 'key', Body: content, ...more }))
    await put('empty', '')
    await isDone(source.s3, 'sealed', 'key')
    await isDone(source.s3, 'sealed', 'empty')
    const { ETag: _, ...own } = described(await head(source.s3, 'sealed', 'key'))
    expect(described(await head(there.s3, 'replicas', 'key'))).toMatchObject(own)
    expect((await bytesOf(there.s3, 'replicas', 'key')).equals(content)).toBe(true)
    expect(await bytesOf(there.s3, 'replicas', 'empty')).toHaveLength(0)
    for (const [start, end] of [
      [0, 0],
      [65_535, 65_537],
      [131_000, 299_999],
    ] as const) {
      const part = await there.s3.send(
        new GetObjectCommand({ Bucket: 'replicas', Key: 'key', Range: `bytes=${start}-${end}` }),
      )
      const bytes = Buffer.from((await part.Body?.transformToByteArray()) ?? [])
      expect(bytes.equals(content.subarray(start, end + 1))).toBe(true)
    }
    await there.s3.send(new CopyObjectCommand({ Bucket: there.bucket, Key: 'copy', CopySource: 'replicas/key' }))
    expect((await bytesOf(there.s3, there.bucket, 'copy')).equals(content)).toBe(true)
    await owner.act(rootKey.id, 'disable')
    await expect.poll(() => refusal(head(there.s3, 'replicas', 'key')), { timeout: 20_000 }).not.toBe('200')
    expect(await refusal(there.s3.send(new GetObjectCommand({ Bucket: 'replicas', Key: 'key' })))).toBe(
      '400 KMS.DisabledException',
    )
  })

  it('keeps the parts of an upload', async () => {
    const bodies = [randomBytes(MIN_PART_BYTES), randomBytes(MIN_PART_BYTES + 70_000), randomBytes(100)]
    await uploadInParts({ ...source, bucket: 'sealed' }, 'large', bodies)
    await isDone(source.s3, 'sealed', 'large')
    expect((await bytesOf(there.s3, 'replicas', 'large')).equals(Buffer.concat(bodies))).toBe(true)
    const second = await there.s3.send(new GetObjectCommand({ Bucket: 'replicas', Key: 'large', PartNumber: 2 }))
    expect(Buffer.from((await second.Body?.transformToByteArray()) ?? []).equals(bodies[1] ?? Buffer.alloc(0))).toBe(
      true,
    )
    expect(second.PartsCount).toBe(3)
  })

  it('is read after the root key was rotated', async () => {
    await put('before', SECRET)
    await isDone(source.s3, 'sealed', 'before')
    await owner.act(rootKey.id, 'rotate')
    await put('after', SECRET)
    await isDone(source.s3, 'sealed', 'after')
    for (const key of ['before', 'after']) expect((await bytesOf(there.s3, 'replicas', key)).toString()).toBe(SECRET)
  })
})

describe('Replication as sealed to any S3', () => {
  it('brings back what a Coffer with the root key can read', async () => {
    await startSource('s3')
    await startThere(false)
    await versioned(there.s3, 'replicas')
    await replicate('sealed', 'replicas')
    await put('key', SECRET, { Metadata: { note: 'of the content' } })
    await isDone(source.s3, 'sealed', 'key')
    const { Metadata } = await head(there.s3, 'replicas', 'key')
    const sealed = await bytesOf(there.s3, 'replicas', 'key')
    expect(sealed.includes(SECRET)).toBe(false)
    await makeBucket(source.s3, 'back', rootKey.crn)
    await enable(source.s3, 'back')
    const headers = {
      'x-coffer-replica-version-id': Metadata?.['coffer-version-id'] ?? '',
      'x-coffer-replica-modified-ms': Metadata?.['coffer-modified-ms'] ?? '',
      'x-coffer-replica-sealed-size': Metadata?.['coffer-sealed-size'] ?? '',
    }
    const reply = await sendRaw(source.s3Url, { method: 'PUT', path: '/back/key', headers, body: sealed })
    expect(outcome(reply)).toBe('200')
    const own = described(await head(source.s3, 'sealed', 'key'))
    expect((await bytesOf(source.s3, 'back', 'key')).toString()).toBe(SECRET)
    expect(described(await head(source.s3, 'back', 'key'))).toMatchObject({
      ...{ Metadata: own.Metadata, VersionId: own.VersionId, LastModified: own.LastModified },
    })
  })
})
