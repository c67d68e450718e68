import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type BucketLoggingStatus,
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetBucketLoggingCommand,
  GetObjectCommand,
  type LifecycleRule,
  ListBucketsCommand,
  PutBucketAclCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketLoggingCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { filesUnder } from '../support/files-under.ts'
import { createUpload } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { otherAccount } from '../support/other-account.ts'
import { outcome, replyOf, sendRaw, startRaw } from '../support/raw-s3.ts'
import { keysOf, makeBucket } from '../support/s3.ts'
import { policyFor } from '../support/shared-buckets.ts'

let test: ObjectHouse
beforeEach(async () => {
  test = await startObjectHouse({ accounts: [mainAccount, otherAccount] })
  await makeBucket(test.s3, 'logs')
})
afterEach(() => test[Symbol.asyncDispose]())

const log = (LoggingEnabled?: BucketLoggingStatus['LoggingEnabled']) =>
  test.s3.send(
    new PutBucketLoggingCommand({
      Bucket: test.bucket,
      BucketLoggingStatus: LoggingEnabled ? { LoggingEnabled } : {},
    }),
  )
const status = async () => (await test.s3.send(new GetBucketLoggingCommand({ Bucket: test.bucket }))).LoggingEnabled
const TO_LOGS = { TargetBucket: 'logs', TargetPrefix: 'of/objects-' }
const bodyOf = async (of: ObjectHouse, Key: string) =>
  (await (await of.s3.send(new GetObjectCommand({ Bucket: 'logs', Key }))).Body?.transformToString()) ?? ''
/** The canonical id of the other account. */
const ownIdOf = async (of: ObjectHouse) =>
  (await of.client(otherAccount).send(new ListBucketsCommand({}))).Owner?.ID ?? ''
/** The lines that were delivered, each with its 25 spaces outside of quotes and brackets cut. */
async function delivered(of: ObjectHouse = test) {
  await of.house.objects.accessLogs.flush()
  const texts = await Promise.all((await keysOf(of.s3, 'logs')).map((key) => bodyOf(of, key)))
  const lines = texts.join('').split('\n').slice(0, -1)
  return lines.map((line) => line.match(/"[^"]*"|\[[^\]]*\]|[^ ]+/g) ?? [])
}

describe('The logging of a bucket', () => {
  it('is off, is what was put, and goes', async () => {
    expect(await status()).toBeUndefined()
    await log(TO_LOGS)
    expect(await status()).toEqual({ ...TO_LOGS, TargetObjectKeyFormat: { SimplePrefix: {} } })
    const partitioned = { PartitionedPrefix: { PartitionDateSource: 'EventTime' } } as const
    await log({ ...TO_LOGS, TargetObjectKeyFormat: partitioned })
    expect(await status()).toEqual({ ...TO_LOGS, TargetObjectKeyFormat: partitioned })
    await log()
    expect(await status()).toBeUndefined()
  })

  it('is refused where nothing could or should be delivered', async () => {
    expect(await refusal(log({ ...TO_LOGS, TargetBucket: 'nowhere' }))).toBe('400 InvalidTargetBucketForLogging')
    await makeBucket(test.client(otherAccount), 'theirs')
    expect(await refusal(log({ ...TO_LOGS, TargetBucket: 'theirs' }))).toBe('400 InvalidTargetBucketForLogging')
    const Grantee = { Type: 'CanonicalUser', ID: 'x' } as const
    const grants = { TargetGrants: [{ Grantee, Permission: 'READ' as const }] }
    expect(await refusal(log({ ...TO_LOGS, ...grants }))).toBe('400 InvalidBucketAclWithObjectOwnership')
    const put = (inside: string) =>
      sendRaw(test.s3Url, {
        ...{ method: 'PUT', path: `/${test.bucket}`, query: { logging: '' } },
        body: `<BucketLoggingStatus>${inside}</BucketLoggingStatus>`,
      }).then(outcome)
    const to = '<TargetBucket>logs</TargetBucket>'
    const prefix = '<TargetPrefix>p</TargetPrefix>'
    expect(await put(`<LoggingEnabled>${to}</LoggingEnabled>`)).toBe('400 MalformedXML')
    expect(await put(`<LoggingEnabled>${prefix}</LoggingEnabled>`)).toBe('400 MalformedXML')
    const format = (text: string) =>
      `<LoggingEnabled>${to}${prefix}<TargetObjectKeyFormat>${text}</TargetObjectKeyFormat></LoggingEnabled>`
    expect(await put(format(''))).toBe('400 MalformedXML')
    const source = '<PartitionDateSource>Noon</PartitionDateSource>'
    expect(await put(format(`<PartitionedPrefix>${source}</PartitionedPrefix>`))).toBe('400 MalformedXML')
    expect(await status()).toBeUndefined()
  })

  it('tells when nothing but an ACL let somebody in', async () => {
    await using classic = await startObjectHouse({
      accounts: [mainAccount, otherAccount],
      settings: { COFFER_S3_BUCKET_DEFAULTS: 'classic' },
    })
    await makeBucket(classic.s3, 'logs')
    const { bucket: Bucket } = classic
    await classic.s3.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' }))
    await classic.s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: { LoggingEnabled: TO_LOGS } }))
    const list = () => sendRaw(classic.s3Url, { method: 'GET', path: `/${Bucket}`, account: otherAccount })
    expect(outcome(await list())).toBe('200')
    await classic.s3.send(
      new PutBucketPolicyCommand({
        Bucket,
        Policy: policyFor(Bucket, { Action: 's3:ListBucket', Resource: `arn:aws:s3:::${Bucket}` }),
      }),
    )
    expect(outcome(await list())).toBe('200')
    const listed = (await delivered(classic)).filter((line) => line[6] === 'REST.GET.BUCKET')
    expect(listed.map((line) => line.at(-1))).toEqual(['Yes', '-'])
  })

  it('writes a line for each request, with the fields of S3', async () => {
    await test.put('before', 'x')
    await log(TO_LOGS)
    await test.put('a key/ü', 'twelve bytes')
    await test.get('a key/ü', { Range: 'bytes=0-3' })
    await refusal(test.get('nowhere'))
    const agent = { 'user-agent': 'a "browser" [1]', referer: 'http://x/\u00fc' }
    await test.raw({ method: 'HEAD', key: 'before', headers: agent })
    await sendRaw(test.s3Url, { method: 'GET', path: `/${test.bucket}`, account: otherAccount })
    const url = await getSignedUrl(test.s3, new GetObjectCommand({ Bucket: test.bucket, Key: 'before' }))
    await (await fetch(url)).text()
    await test.s3.send(new CopyObjectCommand({ Bucket: test.bucket, Key: 'copy', CopySource: `${test.bucket}/before` }))
    const lines = await delivered()
    for (const line of lines) expect(line).toHaveLength(26)
    const [owner] = new Set(lines.map(([first]) => first))
    expect(lines.map((line) => [line[6], line[7], line[9], line[10], line[11], line[12], line[21]].join(' '))).toEqual([
      'REST.PUT.LOGGING_STATUS - 200 - - - AuthHeader',
      'REST.PUT.OBJECT a%20key/%C3%BC 200 - - 12 AuthHeader',
      'REST.GET.OBJECT a%20key/%C3%BC 206 - 4 12 AuthHeader',
      expect.stringMatching(/^REST.GET.OBJECT nowhere 404 NoSuchKey \d+ - AuthHeader$/),
      'REST.HEAD.OBJECT before 200 - - 1 AuthHeader',
      expect.stringMatching(/^REST.GET.BUCKET - 403 AccessDenied \d+ - AuthHeader$/),
      'REST.GET.OBJECT before 200 - 1 1 QueryString',
      expect.stringMatching(/^REST.COPY.OBJECT copy 200 - \d+ - AuthHeader$/),
      expect.stringMatching(/^REST.COPY.OBJECT_GET before 200 - \d+ - AuthHeader$/),
    ])
    const [, put = []] = lines
    expect(put.slice(0, 2)).toEqual([owner, test.bucket])
    expect(put[2]).toMatch(/^\[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\]$/)
    expect(put.slice(3, 5)).toEqual(['127.0.0.1', mainAccount.user.iamId])
    expect(put[8]).toBe(`"PUT /${test.bucket}/a%20key/%C3%BC?x-id=PutObject HTTP/1.1"`)
    expect(lines[4]?.slice(15, 17)).toEqual(['"http://x/%C3%BC"', '"a %22browser%22 [1]"'])
    expect(lines[5]?.[4]).toBe(otherAccount.user.iamId)
    // Who reads the log must not be let in by what he reads.
    expect(lines[6]?.[8]).toContain('X-Amz-Signature=-')
  })

  it('writes a line for each key that a request deletes, with what became of it', async () => {
    const { bucket: Bucket } = test
    await test.put('a', 'x')
    await test.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    const { VersionId } = await test.put('a', 'xx')
    await log(TO_LOGS)
    const Objects = [
      { Key: 'a', VersionId },
      { Key: 'b/ü' },
      { Key: 'a', VersionId: 'none' },
      { Key: 'x'.repeat(1025) },
    ]
    const { Deleted } = await test.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    const marker = Deleted?.find(({ Key }) => Key === 'b/ü')?.DeleteMarkerVersionId
    const lines = (await delivered()).filter(([, , , , , , operation]) => operation !== 'REST.PUT.LOGGING_STATUS')
    const of = (line: readonly string[]) => [line[6], line[7], line[9], line[10], line[17]].join(' ')
    expect(lines.map(of)).toEqual([
      'REST.POST.MULTI_OBJECT_DELETE - 200 - -',
      `BATCH.DELETE.OBJECT a 204 - ${VersionId}`,
      `BATCH.DELETE.OBJECT b/%C3%BC 204 - ${marker}`,
      'BATCH.DELETE.OBJECT a 404 NoSuchVersion none',
      `BATCH.DELETE.OBJECT ${'x'.repeat(1025)} 400 KeyTooLongError -`,
    ])
    const [whole = [], first = []] = lines
    expect(first).toHaveLength(26)
    // As S3 writes it: the request is told in its own line, by the same id.
    const dashes = (count: number) => Array.from({ length: count }, () => '-')
    expect(first.slice(8)).toEqual([
      '-',
      '204',
      ...dashes(7),
      VersionId,
      whole[5],
      'SigV4',
      '-',
      'AuthHeader',
      whole[22],
      ...dashes(3),
    ])
    expect(first.slice(0, 6)).toEqual(whole.slice(0, 6))
  })

  it('writes a line for each thing that lifecycle rules did', async () => {
    await test[Symbol.asyncDispose]()
    let movedMs: number | undefined
    const slow = await mkdtemp(join(tmpdir(), 'coffer-test-'))
    test = await startObjectHouse({
      settings: { COFFER_STORAGE_CLASSES: `STANDARD_IA=${slow}/ia,SLOW=${slow}/slow` },
      clock: { now: () => movedMs ?? Date.now() },
    })
    await makeBucket(test.s3, 'logs')
    const { bucket: Bucket } = test
    const rule = (Prefix: string, more: Partial<LifecycleRule>) => ({
      ...{ ID: Prefix, Status: 'Enabled' as const, Filter: { Prefix } },
      ...more,
    })
    const moveTo = (StorageClass: string) => ({ Transitions: [{ Days: 1, StorageClass: StorageClass as 'GLACIER' }] })
    const Rules = [
      rule('expired', { Expiration: { Days: 1 }, NoncurrentVersionExpiration: { NoncurrentDays: 1 } }),
      rule('ia', moveTo('STANDARD_IA')),
      rule('slow', moveTo('SLOW')),
      rule('upload', { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }),
    ]
    await test.s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }))
    for (const key of ['expired', 'ia', 'slow']) await test.put(key, 'twelve bytes')
    await createUpload(test, 'upload')
    await log(TO_LOGS)
    const passAfter = async (days: number) => {
      movedMs = Date.now() + days * 86_400_000
      await test.house.objects.lifecycle.pass()
      movedMs = undefined
    }
    await passAfter(3)
    await test.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    const { VersionId } = await test.put('expired', 'x')
    await passAfter(3)
    await passAfter(6)
    await passAfter(9)
    const lines = (await delivered()).filter(([, , , , requester]) => requester === 'AmazonS3')
    expect(lines.map((line) => [line[6], line[7], line[12], line[17]].join(' '))).toEqual([
      'S3.DELETE.UPLOAD upload - -',
      'S3.EXPIRE.OBJECT expired 12 -',
      'S3.TRANSITION_SIA.OBJECT ia 12 -',
      'S3.TRANSITION.OBJECT slow 12 -',
      expect.stringMatching(/^S3.CREATE.DELETEMARKER expired - [\w-]{22}$/),
      `S3.EXPIRE.OBJECT expired 1 ${VersionId}`,
      expect.stringMatching(/^S3.EXPIRE.OBJECT expired - [\w-]{22}$/),
    ])
    const [first = []] = lines
    const dashes = (count: number) => Array.from({ length: count }, () => '-')
    expect(first).toEqual([
      ...[expect.any(String), Bucket, expect.stringMatching(/^\[/), '-', 'AmazonS3', expect.any(String)],
      ...['S3.DELETE.UPLOAD', 'upload', '"-"', ...dashes(6), '"-"', '"-"', '-', first[5], ...dashes(7)],
    ])
    await rm(slow, { recursive: true, force: true })
  })

  it('writes a line for a preflight', async () => {
    await log(TO_LOGS)
    const outgoing = startRaw(test.s3Url, {
      ...{ method: 'OPTIONS', target: `/${test.bucket}/key` },
      headers: { origin: 'http://o', 'access-control-request-method': 'GET' },
    })
    outgoing.end()
    await replyOf(outgoing)
    const fields = (await delivered()).find(([, , , , , , operation]) => operation === 'REST.OPTIONS.PREFLIGHT') ?? []
    expect(fields.slice(4, 11)).toEqual([
      ...['-', fields[5], 'REST.OPTIONS.PREFLIGHT', 'key', `"OPTIONS /${test.bucket}/key HTTP/1.1"`, '403'],
      'AccessForbidden',
    ])
  })

  it('cuts off what is too long of what a client wrote', async () => {
    await log(TO_LOGS)
    const headers = { 'user-agent': '\xff'.repeat(3000), referer: `x${'"'.repeat(9000)}` }
    await sendRaw(test.s3Url, { method: 'GET', path: `/${test.bucket}/key`, query: { x: 'y'.repeat(9000) }, headers })
    const fields = (await delivered()).find(([, , , , , , operation]) => operation === 'REST.GET.OBJECT') ?? []
    expect(fields).toHaveLength(26)
    expect(fields[8]).toHaveLength(4096 + 2)
    expect(fields[15]).toBe(`"x${'%22'.repeat(682)}"`)
    expect(fields[16]).toMatch(/^"(%C3%BF){341}"$/)
  })

  it('tells no key and no signature that comes in an address', async () => {
    await log(TO_LOGS)
    const [key, source] = [randomBytes(32), randomBytes(32)]
    const md5 = (of: Buffer) => createHash('md5').update(of).digest('base64')
    const customer = 'server-side-encryption-customer'
    const query = {
      [`x-amz-${customer}-algorithm`]: 'AES256',
      [`x-amz-${customer}-key`]: key.toString('base64'),
      [`X-Amz-${customer}-Key-MD5`]: md5(key),
      [`x-amz-copy-source-${customer}-key`]: source.toString('base64'),
      [`x-amz-copy-source-${customer}-key-md5`]: md5(source),
    }
    const address = `/${test.bucket}/k?${new URLSearchParams(query)}&X-Amz-Sign%61ture=abc&x-amz-security-token=abc&x=1`
    await fetch(`${test.s3Url}${address}`, { headers: { referer: `https://x${address}` } })
    const [, line = []] = await delivered()
    for (const field of [line[8], line[15]]) {
      expect(field).toContain(
        `?x-amz-${customer}-algorithm=AES256&x-amz-${customer}-key=-&X-Amz-${customer}-Key-MD5=-` +
          `&x-amz-copy-source-${customer}-key=-&x-amz-copy-source-${customer}-key-md5=-` +
          '&X-Amz-Sign%61ture=-&x-amz-security-token=-&x=1',
      )
    }
  })

  it('grants its logs to others where objects have ACLs', async () => {
    const settings = { COFFER_S3_BUCKET_DEFAULTS: 'classic' }
    const classic = await startObjectHouse({ accounts: [mainAccount, otherAccount], settings })
    try {
      await makeBucket(classic.s3, 'logs')
      const Grantee = { Type: 'CanonicalUser', ID: await ownIdOf(classic) } as const
      const LoggingEnabled = { ...TO_LOGS, TargetGrants: [{ Grantee, Permission: 'READ' as const }] }
      const { bucket: Bucket } = classic
      await classic.s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: { LoggingEnabled } }))
      const found = await classic.s3.send(new GetBucketLoggingCommand({ Bucket }))
      expect(found.LoggingEnabled?.TargetGrants).toMatchObject([{ Grantee, Permission: 'READ' }])
      await classic.house.objects.accessLogs.flush()
      const [Key] = await keysOf(classic.s3, 'logs')
      const theirs = classic.client(otherAccount).send(new GetObjectCommand({ Bucket: 'logs', Key }))
      expect(await (await theirs).Body?.transformToString()).toContain('REST.PUT.LOGGING_STATUS')
    } finally {
      await classic[Symbol.asyncDispose]()
    }
  })

  it('names its logs as it is told', async () => {
    const day = new Date().toISOString().slice(0, 10)
    const flushed = async () => {
      await test.put('key', 'x')
      await test.house.objects.accessLogs.flush()
      return (await keysOf(test.s3, 'logs')).at(-1)
    }
    await log(TO_LOGS)
    expect(await flushed()).toMatch(new RegExp(`^of/objects-${day}-\\d\\d-\\d\\d-\\d\\d-[0-9A-F]{16}$`))
    const to = (source: 'EventTime' | 'DeliveryTime') =>
      log({
        ...{ TargetBucket: 'logs', TargetPrefix: 'z' },
        TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: source } },
      })
    const place = `^z${mainAccount.id}/us-east-1/${test.bucket}/${day.replaceAll('-', '/')}/${day}`
    await to('DeliveryTime')
    expect(await flushed()).toMatch(new RegExp(`${place}-\\d\\d-\\d\\d-\\d\\d-[0-9A-F]{16}$`))
    for (const key of await keysOf(test.s3, 'logs'))
      await test.house.objects.delete({ bucket: test.house.objects.buckets.get('logs'), key, conditions: {} })
    await to('EventTime')
    expect(await flushed()).toMatch(new RegExp(`${place}-00-00-00-[0-9A-F]{16}$`))
  })

  it('ends when its target is gone, and does not follow another owner', async () => {
    await test.s3.send(new CreateBucketCommand({ Bucket: 'passing' }))
    await log({ TargetBucket: 'passing', TargetPrefix: '' })
    await test.put('key', 'x')
    const { objects } = test.house
    await objects.deleteBucket(objects.buckets.get('passing'))
    await makeBucket(test.client(otherAccount), 'passing')
    await objects.accessLogs.flush()
    expect(await keysOf(test.client(otherAccount), 'passing')).toEqual([])
  })

  it('loses no line at a stop, delivered or not, and leaves none in clear on the disk', async () => {
    const first = test
    await log(TO_LOGS)
    await test.put('told-in-the-log', 'x')
    await test.stop()
    const again = await startObjectHouse({ directory: first.directory })
    const keys = async () => (await delivered(again)).map((line) => line[7])
    expect(await keys()).toContain('told-in-the-log')
    await again.stop()
    for (const [file, bytes] of await filesUnder(first.dataDir)) {
      if (!file.includes('/audit/')) expect([file, bytes.includes('REST.PUT.OBJECT')]).toEqual([file, false])
    }
    test = await startObjectHouse({ directory: first.directory })
  })
})
