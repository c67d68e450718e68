import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  GetObjectTaggingCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { filesUnder } from '../support/files-under.ts'
import { freePort } from '../support/free-port.ts'
import { MIN_PART_BYTES, uploadInParts } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'
import {
  bytesOf,
  described,
  head,
  isDone,
  PATIENCE,
  replicate,
  rule,
  statusOf,
  versioned,
  versionsOf,
} from '../support/replication.ts'
import { s3ClientFor } from '../support/s3.ts'
import { startServerProcess } from '../support/server-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const { accessKeyId, secretAccessKey } = mainAccount.user
const DESTINATION = 'arn:coffer:s3::dr:replicas'
const LOCKED = 'arn:coffer:s3::dr:locked-replicas'

let port = 0
let there: ObjectHouse
const startThere = async (directory?: string) => {
  const at = directory === undefined ? {} : { directory }
  there = await startObjectHouse({ settings: { COFFER_S3_LISTEN: `127.0.0.1:${port}` }, ...at })
}
const targets = (kind: string, secret = secretAccessKey) => ({
  COFFER_S3_REPLICATION_TARGETS: `dr=http://127.0.0.1:${port}?kind=${kind}`,
  COFFER_S3_REPLICATION_CREDENTIALS: `dr=${accessKeyId}:${secret}`,
})
const enable = (s3: S3Client, Bucket: string) =>
  s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
const put = (s3: S3Client, Bucket: string, Key: string, Body: string, Tagging?: string) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, Tagging }))
const remove = (s3: S3Client, Bucket: string, Key: string) => s3.send(new DeleteObjectCommand({ Bucket, Key }))

beforeEach(async () => {
  port = await freePort()
  await startThere()
  await versioned(there.s3, 'replicas')
})
afterEach(() => there[Symbol.asyncDispose]())

describe.each(['coffer', 's3'] as const)('Replication to another server that is said to be %s', (kind) => {
  let test: ObjectHouse
  beforeEach(async () => {
    test = await startObjectHouse({ settings: targets(kind) })
    await enable(test.s3, test.bucket)
    await replicate(test.s3, test.bucket, rule(DESTINATION))
  })
  afterEach(() => test[Symbol.asyncDispose]())

  it('copies what is written, with all that is said of it', async () => {
    const { VersionId } = await test.put('a key/ü', 'content', {
      ...{ ContentType: 'text/plain', CacheControl: 'no-cache', ContentDisposition: 'inline', Expires: new Date(1e12) },
      ...{ Metadata: { colour: 'blue' }, Tagging: 'a=1%202%2B3&b=', ChecksumAlgorithm: 'SHA256' },
    })
    await isDone(test.s3, test.bucket, 'a key/ü')
    const source = described(await head(test.s3, test.bucket, 'a key/ü'))
    const replica = described(await head(there.s3, 'replicas', 'a key/ü'))
    if (kind === 'coffer') {
      expect(replica).toEqual(source)
      expect(replica.VersionId).toBe(VersionId)
    } else {
      const own = { VersionId: expect.not.stringMatching(VersionId ?? ''), LastModified: expect.any(Date) }
      expect(replica).toEqual({ ...source, ...own })
    }
    expect(await statusOf(there.s3, 'replicas', 'a key/ü')).toBe(kind === 'coffer' ? 'REPLICA' : undefined)
    const { TagSet } = await there.s3.send(new GetObjectTaggingCommand({ Bucket: 'replicas', Key: 'a key/ü' }))
    expect(TagSet).toEqual([
      { Key: 'a', Value: '1 2+3' },
      { Key: 'b', Value: '' },
    ])
    expect((await bytesOf(there.s3, 'replicas', 'a key/ü')).toString()).toBe('content')
  })

  it('keeps the parts of an upload, and its ETag', async () => {
    const bodies = [randomBytes(MIN_PART_BYTES), randomBytes(MIN_PART_BYTES + 70_000), randomBytes(100)]
    for (const [key, algorithm] of [
      ['composite', 'SHA256'],
      ['whole', 'CRC64NVME'],
    ] as const) {
      await uploadInParts(test, key, bodies, {
        create: { ChecksumAlgorithm: algorithm, Metadata: { a: 'b' } },
        part: { ChecksumAlgorithm: algorithm },
      })
      await isDone(test.s3, test.bucket, key)
      const { ETag, ChecksumSHA256, ChecksumCRC64NVME, Metadata } = await head(test.s3, test.bucket, key)
      expect(await head(there.s3, 'replicas', key)).toMatchObject({ ETag, Metadata })
      const replica = await head(there.s3, 'replicas', key)
      expect([replica.ChecksumSHA256, replica.ChecksumCRC64NVME]).toEqual([ChecksumSHA256, ChecksumCRC64NVME])
      expect((await bytesOf(there.s3, 'replicas', key)).equals(Buffer.concat(bodies))).toBe(true)
    }
    const { Uploads = [] } = await there.s3.send(new ListMultipartUploadsCommand({ Bucket: 'replicas' }))
    expect(Uploads).toEqual([])
  })

  it('follows versions, delete markers and tags in their order', async () => {
    await test.put('key', 'one')
    const second = await test.put('key', 'two')
    await isDone(test.s3, test.bucket, 'key')
    const before = await head(there.s3, 'replicas', 'key')
    await remove(test.s3, test.bucket, 'key')
    await expect
      .poll(async () => (await versionsOf(there.s3, 'replicas')).filter((one) => one.startsWith('-')), PATIENCE)
      .toHaveLength(1)
    const TagSet = [{ Key: 'late', Value: 'yes' }]
    const of = { Bucket: test.bucket, Key: 'key', VersionId: second.VersionId }
    await test.s3.send(new PutObjectTaggingCommand({ ...of, Tagging: { TagSet } }))
    const replica = { Bucket: 'replicas', Key: 'key', VersionId: before.VersionId }
    await expect
      .poll(async () => (await there.s3.send(new GetObjectTaggingCommand(replica))).TagSet, PATIENCE)
      .toEqual(TagSet)
    await test.put('key', 'three')
    await isDone(test.s3, test.bucket, 'key')
    expect((await bytesOf(there.s3, 'replicas', 'key')).toString()).toBe('three')
    const versions = await versionsOf(there.s3, 'replicas')
    expect(versions.map((one) => one.startsWith('-'))).toEqual([true, false, false, false])
    if (kind === 'coffer') expect(versions).toEqual(await versionsOf(test.s3, test.bucket))
  })

  it('keeps retention', async () => {
    await versioned(there.s3, 'locked-replicas', true)
    await versioned(test.s3, 'locked', true)
    await replicate(test.s3, 'locked', rule(LOCKED))
    const RetainUntilDate = new Date(Date.now() + 3_600_000)
    await test.s3.send(
      new PutObjectCommand({
        ...{ Bucket: 'locked', Key: 'key', Body: 'x', ChecksumAlgorithm: 'CRC32' },
        ...{ ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: RetainUntilDate },
      }),
    )
    await isDone(test.s3, 'locked', 'key')
    const retention = async () =>
      (await there.s3.send(new GetObjectRetentionCommand({ Bucket: 'locked-replicas', Key: 'key' }))).Retention
    expect(await retention()).toEqual({ Mode: 'COMPLIANCE', RetainUntilDate })
    const longer = { Mode: 'COMPLIANCE', RetainUntilDate: new Date(Date.now() + 7_200_000) } as const
    await test.s3.send(new PutObjectRetentionCommand({ Bucket: 'locked', Key: 'key', Retention: longer }))
    await expect.poll(retention, PATIENCE).toEqual(longer)
  })

  describe('leaves there what is its owner’s', () => {
    const hold = (s3: S3Client, Bucket: string, Status: 'ON' | 'OFF') =>
      s3.send(new PutObjectLegalHoldCommand({ Bucket, Key: 'key', LegalHold: { Status } }))
    const tag = (s3: S3Client, Bucket: string, Value: string) =>
      s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'key', Tagging: { TagSet: [{ Key: 'of', Value }] } }))
    const done = () => isDone(test.s3, 'locked', 'key')
    const heldThere = async () => {
      const of = { Bucket: 'locked-replicas', Key: 'key' }
      return (await there.s3.send(new GetObjectLegalHoldCommand(of))).LegalHold?.Status
    }
    const tagThere = async () => {
      const of = { Bucket: 'locked-replicas', Key: 'key' }
      return (await there.s3.send(new GetObjectTaggingCommand(of))).TagSet?.map(({ Value }) => Value)
    }
    beforeEach(async () => {
      await versioned(there.s3, 'locked-replicas', true)
      await versioned(test.s3, 'locked', true)
      await replicate(test.s3, 'locked', rule(LOCKED))
    })

    it('of holds, unless the source had set them', async () => {
      await test.put('key', 'x', { Bucket: 'locked' })
      await done()
      await hold(test.s3, 'locked', 'OFF')
      await done()
      await hold(there.s3, 'locked-replicas', 'ON')
      await tag(test.s3, 'locked', 'source')
      await done()
      expect(await heldThere()).toBe('ON')
      for (const status of ['ON', 'OFF'] as const) {
        await hold(test.s3, 'locked', status)
        await done()
        expect(await heldThere()).toBe('ON')
      }
      await hold(there.s3, 'locked-replicas', 'OFF')
      for (const status of ['ON', 'OFF'] as const) {
        await hold(test.s3, 'locked', status)
        await done()
        expect(await heldThere()).toBe(status)
      }
    })

    it('of holds that came with the version, once they were released', async () => {
      await test.put('key', 'x', { Bucket: 'locked', ObjectLockLegalHoldStatus: 'ON' })
      await done()
      expect(await heldThere()).toBe('ON')
      await hold(test.s3, 'locked', 'OFF')
      await done()
      expect(await heldThere()).toBe('OFF')
      await hold(there.s3, 'locked-replicas', 'ON')
      await tag(test.s3, 'locked', 'source')
      await done()
      expect(await heldThere()).toBe('ON')
    })

    it('of tags, when nothing but a hold has changed', async () => {
      await test.put('key', 'x', { Bucket: 'locked' })
      await done()
      await tag(there.s3, 'locked-replicas', 'owner')
      await hold(test.s3, 'locked', 'ON')
      await done()
      expect(await tagThere()).toEqual(['owner'])
      await tag(test.s3, 'locked', 'source')
      await done()
      expect(await tagThere()).toEqual(['source'])
    })
  })

  it('leaves a retention there as it is that is longer by now, and says COMPLETED', async () => {
    await versioned(there.s3, 'locked-replicas', true)
    await versioned(test.s3, 'locked', true)
    await replicate(test.s3, 'locked', rule(LOCKED))
    await test.put('key', 'x', { Bucket: 'locked' })
    await isDone(test.s3, 'locked', 'key')
    const until = (hours: number) =>
      ({ Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.now() + hours * 3_600_000) }) as const
    const retain = (Retention: ReturnType<typeof until>) => {
      const of = { Bucket: 'locked', Key: 'key', Retention, BypassGovernanceRetention: true }
      return test.s3.send(new PutObjectRetentionCommand(of))
    }
    const longer = until(2)
    await retain(longer)
    await isDone(test.s3, 'locked', 'key')
    await retain(until(1))
    await test.s3.send(
      new PutObjectTaggingCommand({ Bucket: 'locked', Key: 'key', Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }),
    )
    await isDone(test.s3, 'locked', 'key')
    const { Retention } = await there.s3.send(new GetObjectRetentionCommand({ Bucket: 'locked-replicas', Key: 'key' }))
    expect(Retention).toEqual(longer)
  })
})

describe('Replication to another Coffer', () => {
  it('says FAILED while the credentials are wrong, and mends itself with the right ones', async () => {
    const wrong = await startObjectHouse({ settings: targets('coffer', 'wrong') })
    await enable(wrong.s3, wrong.bucket)
    await replicate(wrong.s3, wrong.bucket, rule(DESTINATION))
    await wrong.put('key', 'x')
    await expect.poll(() => statusOf(wrong.s3, wrong.bucket, 'key'), PATIENCE).toBe('FAILED')
    await wrong.stop()
    await using right = await startObjectHouse({ settings: targets('coffer'), directory: wrong.directory })
    await isDone(right.s3, right.bucket, 'key')
    expect((await bytesOf(there.s3, 'replicas', 'key')).toString()).toBe('x')
  })

  it('goes both ways without going round', async () => {
    await using test = await startObjectHouse({ settings: targets('coffer') })
    await enable(test.s3, test.bucket)
    await replicate(test.s3, test.bucket, rule(DESTINATION))
    const away = there
    await away.stop()
    const settings = {
      COFFER_S3_LISTEN: `127.0.0.1:${port}`,
      COFFER_S3_REPLICATION_TARGETS: `back=${test.s3Url}?kind=coffer`,
      COFFER_S3_REPLICATION_CREDENTIALS: `back=${accessKeyId}:${secretAccessKey}`,
    }
    there = await startObjectHouse({ settings, directory: away.directory })
    await replicate(there.s3, 'replicas', rule(`arn:coffer:s3::back:${test.bucket}`))
    await test.put('a', 'x')
    await put(there.s3, 'replicas', 'b', 'y')
    await isDone(test.s3, test.bucket, 'a')
    await isDone(there.s3, 'replicas', 'b')
    await remove(test.s3, test.bucket, 'b')
    await expect.poll(() => versionsOf(there.s3, 'replicas'), PATIENCE).toHaveLength(3)
    await test.put('c', 'x')
    await isDone(test.s3, test.bucket, 'c')
    expect(await versionsOf(test.s3, test.bucket)).toEqual(await versionsOf(there.s3, 'replicas'))
    expect(await versionsOf(test.s3, test.bucket)).toHaveLength(4)
  })

  it('waits, sealed, for one that is away, over a kill too, and delivers each version once', async () => {
    await using directory = await temporaryDirectory()
    const bootstrapFile = await writeBootstrapFile(join(directory.path, 'bootstrap.json'), [mainAccount])
    const dataDir = join(directory.path, 'data')
    const start = () => startServerProcess({ dataDir, bootstrapFile, settings: targets('coffer') })
    const first = await start()
    const clientOf = (s3Url: string) => s3ClientFor({ s3Url, accessKeyId, secretAccessKey })
    const s3 = clientOf(first.s3Url)
    await versioned(s3, 'source')
    await replicate(s3, 'source', rule(DESTINATION))
    const away = there
    await away.stop()
    const TEXT = 'content that waits in no queue in clear'
    for (let n = 0; n < 20; n++)
      await put(s3, 'source', `a-key-in-the-queue-${n % 5}`, `${TEXT} ${n}`, 'tag-in-clear=1')
    await remove(s3, 'source', 'a-key-in-the-queue-1')
    expect(await statusOf(s3, 'source', 'a-key-in-the-queue-0')).toBe('PENDING')
    await first.kill()
    for (const [file, bytes] of await filesUnder(dataDir)) {
      for (const text of [TEXT, 'tag-in-clear', 'replicas', 'sequencer', secretAccessKey]) {
        expect([file, text, bytes.includes(text)]).toEqual([file, text, false])
      }
    }
    const second = await start()
    await startThere(away.directory)
    // Killed while it delivers, too.
    await expect.poll(() => versionsOf(there.s3, 'replicas'), PATIENCE).not.toHaveLength(0)
    await second.kill()
    await using third = await start()
    const again = clientOf(third.s3Url)
    const versions = await versionsOf(again, 'source')
    expect(versions).toHaveLength(21)
    await expect.poll(() => versionsOf(there.s3, 'replicas'), { timeout: 60_000 }).toEqual(versions)
    for (const key of [0, 2, 3, 4]) await isDone(again, 'source', `a-key-in-the-queue-${key}`)
    // Nothing of the client keeps it from ending.
    await third.stop()
  }, 120_000)
})

describe('What says that it is a replica', () => {
  const id = Buffer.alloc(16, 1).toString('base64url')
  const headers = { 'x-coffer-replica-version-id': id, 'x-coffer-replica-modified-ms': '1700000000123' }
  const send = (more: Readonly<Record<string, string>>, method = 'PUT', query = {}) =>
    there.raw({ method, key: 'key', headers: more, query, body: method === 'PUT' ? 'x' : '' })

  it('keeps id and time, in a bucket with versions alone', async () => {
    expect(outcome(await send(headers))).toBe('400 InvalidRequest')
    await enable(there.s3, there.bucket)
    expect(outcome(await send(headers))).toBe('200')
    const stored = await head(there.s3, there.bucket, 'key')
    expect([stored.VersionId, stored.LastModified?.getTime(), stored.ReplicationStatus]).toEqual([
      ...[id, 1_700_000_000_000, 'REPLICA'],
    ])
    // An id that no version here can have, or that leaves none for later ones.
    const foreign = [
      Buffer.alloc(16, 255).toString('base64url'),
      '3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo',
    ]
    for (const other of foreign) {
      expect(outcome(await send({ ...headers, 'x-coffer-replica-version-id': other }))).toBe('200')
    }
    expect(await versionsOf(there.s3, there.bucket)).toHaveLength(3)
    const { VersionId } = await there.put('key', 'y')
    expect((await versionsOf(there.s3, there.bucket)).filter((one) => one.endsWith('latest'))).toEqual([
      `key ${VersionId} latest`,
    ])
  })

  it('has the same place among those of another writer of the same millisecond, whichever came first', async () => {
    const ms = Date.now() - 10_000
    const idOf = (fill: number) => {
      const bytes = Buffer.alloc(16, fill)
      bytes.writeBigUInt64BE(BigInt(ms) << 20n)
      return bytes.toString('base64url')
    }
    const make = (Bucket: string, fill: number, method = 'PUT') =>
      sendRaw(there.s3Url, {
        ...{ method, path: `/${Bucket}/key`, body: method === 'PUT' ? `of ${fill}` : '' },
        headers: { 'x-coffer-replica-version-id': idOf(fill), 'x-coffer-replica-modified-ms': String(ms) },
      })
    await versioned(there.s3, 'backward')
    for (const [Bucket, order] of [
      ['replicas', [1, 2, 3]],
      ['backward', [3, 2, 1]],
    ] as const) {
      // Also when each comes twice.
      for (const fill of [...order, ...order]) expect(outcome(await make(Bucket, fill))).toBe('200')
      const { Versions = [] } = await there.s3.send(new ListObjectVersionsCommand({ Bucket }))
      const texts: string[] = []
      for (const { VersionId } of Versions) {
        const { Body } = await there.s3.send(new GetObjectCommand({ Bucket, Key: 'key', VersionId }))
        texts.push((await Body?.transformToString()) ?? '')
      }
      expect([Bucket, texts]).toEqual([Bucket, ['of 3', 'of 2', 'of 1']])
      // A delete marker is no other thing.
      expect(outcome(await make(Bucket, 4, 'DELETE'))).toBe('204')
      expect(await refusal(head(there.s3, Bucket, 'key'))).toBe('404 NotFound')
    }
  })

  it('is refused when it says half of it, or is about what goes for good', async () => {
    await enable(there.s3, there.bucket)
    const { 'x-coffer-replica-version-id': versionId, 'x-coffer-replica-modified-ms': modified } = headers
    const wrong = [
      { 'x-coffer-replica-version-id': versionId },
      { 'x-coffer-replica-modified-ms': modified },
      { ...headers, 'x-coffer-replica-version-id': '' },
      { ...headers, 'x-coffer-replica-modified-ms': 'now' },
    ]
    for (const one of wrong) expect(outcome(await send(one))).toBe('400 InvalidArgument')
    expect(outcome(await send(headers, 'DELETE', { versionId }))).toBe('400 InvalidRequest')
    expect(await versionsOf(there.s3, there.bucket)).toEqual([])
  })
})
