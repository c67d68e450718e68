import crypto, { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketCorsCommand,
  PutBucketInventoryConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketLoggingCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  RenameObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newDek } from '../../src/envelope/dek.ts'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { contentBytes } from '../support/content.ts'
import { iamToken } from '../support/control-api.ts'
import { filesUnder } from '../support/files-under.ts'
import { freePort } from '../support/free-port.ts'
import { startHouse } from '../support/house.ts'
import { keyOwner } from '../support/keys.ts'
import { type ObjectHouse, startObjectHouse } from '../support/object-house.ts'
import { leaks, type Planted, planting } from '../support/planted.ts'
import { sendRaw } from '../support/raw-s3.ts'
import { bytesOf, isDone, replicate, rule, statusOf, versioned } from '../support/replication.ts'
import { keysOf, makeBucket, s3ClientFor, takeCustomerKeys } from '../support/s3.ts'
import { bearer, sendPlain } from '../support/send.ts'
import { startServerProcess } from '../support/server-process.ts'

// Everything that a user may plant, in all the ways there are, and then a look at every byte that the server left.

interface Listening {
  readonly s3Url: string
  readonly controlUrl: string
}

/** Uses the server in every way that takes something secret. */
async function plant({ s3Url, controlUrl }: Listening): Promise<Planted> {
  const { planted, body, word } = planting()
  const { accessKeyId, secretAccessKey, apiKey } = mainAccount.user
  planted.set('secret access key', Buffer.from(secretAccessKey))
  planted.set('API key', Buffer.from(apiKey))
  const s3 = s3ClientFor({ s3Url, accessKeyId, secretAccessKey })

  const keys = await keyOwner(controlUrl)
  const material = (name: string): string => {
    const bytes = contentBytes(`key ${name}`, 32)
    planted.set(`material of ${name}`, bytes)
    return bytes.toString('base64')
  }
  const imported = await keys.newKey('imported root key', { payload: material('an imported root key') })
  await keys.newKey('standard key', { extractable: true, payload: material('a standard key') })
  const wrap = await keys.call('POST', `/api/v2/keys/${imported.id}/actions/wrap`, {
    plaintext: material('a wrapped DEK'),
  })
  expect(wrap.status).toBe(200)
  const fresh = await keys.call('POST', `/api/v2/keys/${imported.id}/actions/wrap`, {})
  planted.set('a generated DEK', Buffer.from(fresh.json.plaintext, 'base64'))
  await keys.call('POST', `/api/v2/keys/${imported.id}/actions/unwrap`, { ciphertext: wrap.json.ciphertext })
  await keys.call('POST', `/api/v2/keys/${imported.id}/actions/rotate`, { payload: material('a rotated root key') })

  await makeBucket(s3, 'provider-managed')
  await makeBucket(s3, 'customer-managed', imported.crn)
  for (const Bucket of ['provider-managed', 'customer-managed']) {
    await plantObjects(s3, s3Url, Bucket, body, word)
    await plantVersions(s3, Bucket, body, word)
    await plantDocuments(s3, Bucket, word)
  }
  await plantEncryptions(s3, imported.crn, planted, body, word)
  await makeBucket(s3, 'logs')
  const BucketLoggingStatus = { LoggingEnabled: { TargetBucket: 'logs', TargetPrefix: '' } }
  await s3.send(new PutBucketLoggingCommand({ Bucket: 'provider-managed', BucketLoggingStatus }))
  const agent = { 'user-agent': word('a client that a log is to tell of') }
  const heard = await sendRaw(s3Url, { method: 'GET', path: '/provider-managed/small', headers: agent })
  expect(heard.status).toBe(200)

  const token = await iamToken(controlUrl)
  planted.set('IAM token', Buffer.from(token.split('.')[2] ?? ''))
  const byToken = { method: 'PUT', target: '/provider-managed/by-token', headers: bearer(token) }
  expect((await sendPlain(s3Url, { ...byToken, body: body('a PUT by token', 5000) })).status).toBe(200)
  const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket: 'provider-managed', Key: 'small' }))
  planted.set('signature of a URL', Buffer.from(new URL(url).searchParams.get('X-Amz-Signature') ?? ''))
  expect((await fetch(url)).status).toBe(200)

  // Errors are logged too, and say no more.
  await sendPlain(s3Url, {
    method: 'GET',
    target: '/provider-managed/small',
    headers: bearer(word('a token that is none')),
  })
  const lost = { ...mainAccount.user, apiKey: word('an API key that is none') }
  await fetch(`${controlUrl}/identity/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'urn:ibm:params:oauth:grant-type:apikey', apikey: lost.apiKey }),
  })
  s3.destroy()
  return planted
}

async function plantObjects(
  s3: S3Client,
  s3Url: string,
  Bucket: string,
  body: (name: string, size: number) => Buffer,
  word: (name: string) => string,
): Promise<void> {
  const small = {
    Body: body(`a small PUT to ${Bucket}`, 5000),
    Metadata: { [word(`name of metadata in ${Bucket}`)]: word(`metadata in ${Bucket}`) },
    ContentType: `text/${word(`content type in ${Bucket}`)}`,
    ContentDisposition: `attachment; filename=${word(`file name in ${Bucket}`)}`,
    CacheControl: word(`cache control in ${Bucket}`),
    ChecksumAlgorithm: 'SHA256',
  } as const
  await s3.send(new PutObjectCommand({ Bucket, Key: 'small', ...small }))
  await s3.send(new PutObjectCommand({ Bucket, Key: 'large', Body: body(`a large PUT to ${Bucket}`, 700_000) }))
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/large` }))

  const { url, fields } = await createPresignedPost(s3, { Bucket, Key: 'form' })
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  form.set('file', new Blob([new Uint8Array(body(`a form to ${Bucket}`, 300_000))]))
  expect((await fetch(url, { method: 'POST', body: form })).status).toBe(204)

  for (const Key of ['parts', 'unfinished']) {
    const target = { Bucket, Key }
    const Metadata = { note: word(`metadata of ${Key} in ${Bucket}`) }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...target, Metadata }))
    const part = { ...target, UploadId, PartNumber: 1, Body: body(`a part of ${Key} to ${Bucket}`, 600_000) }
    const { ETag } = await s3.send(new UploadPartCommand(part))
    if (Key === 'unfinished') continue
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    await s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }))
  }
  for (const Key of ['small', 'large', 'copy', 'form', 'parts']) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
    expect((await Body?.transformToByteArray())?.length).toBeGreaterThan(0)
  }
  await s3.send(new ListObjectsV2Command({ Bucket }))
  expect(s3Url).toBeTruthy()
}

/** Tags, versions that are not current any more, and parts and copies of what there is. */
async function plantVersions(
  s3: S3Client,
  Bucket: string,
  body: (name: string, size: number) => Buffer,
  word: (name: string) => string,
): Promise<void> {
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
  const target = { Bucket, Key: 'versions' }
  for (const number of [1, 2]) {
    const tag = `${word(`tag ${number} in ${Bucket}`)}=${word(`value of tag ${number} in ${Bucket}`)}`
    await s3.send(new PutObjectCommand({ ...target, Body: body(`version ${number} in ${Bucket}`, 5000), Tagging: tag }))
  }
  const TagSet = [{ Key: word(`later tag in ${Bucket}`), Value: word(`value of the later tag in ${Bucket}`) }]
  await s3.send(new PutObjectTaggingCommand({ ...target, Tagging: { TagSet } }))
  await s3.send(new DeleteObjectCommand(target))
  await s3.send(
    new CopyObjectCommand({ Bucket, Key: 'slow', CopySource: `${Bucket}/large`, StorageClass: 'STANDARD_IA' }),
  )
  const copied = { Bucket, Key: 'copied-part' }
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand(copied))
  const part = { ...copied, UploadId, PartNumber: 1 }
  const { CopyPartResult } = await s3.send(new UploadPartCopyCommand({ ...part, CopySource: `${Bucket}/large` }))
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: CopyPartResult?.ETag }] }
  await s3.send(new CompleteMultipartUploadCommand({ ...copied, UploadId, MultipartUpload }))
}

async function plantDocuments(s3: S3Client, Bucket: string, word: (name: string) => string): Promise<void> {
  const TagSet = [{ Key: word(`tag of ${Bucket}`), Value: word(`value of the tag of ${Bucket}`) }]
  await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }))
  const rule = { AllowedMethods: ['GET'], AllowedOrigins: [`https://${word(`origin of ${Bucket}`)}.example`] }
  await s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [rule] } }))
}

/** Keys and contexts of the client's own, and two layers. */
async function plantEncryptions(
  s3: S3Client,
  rootKeyCrn: string,
  planted: Planted,
  body: (name: string, size: number) => Buffer,
  word: (name: string) => string,
): Promise<void> {
  const Bucket = 'provider-managed'
  const key = contentBytes('a key of a customer', 32)
  planted.set('a key of a customer', key)
  const customer = {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: key.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
  }
  await takeCustomerKeys(s3, Bucket)
  await s3.send(new PutObjectCommand({ Bucket, Key: 'sse-c', Body: body('a PUT with a key', 70_000), ...customer }))
  await s3.send(new GetObjectCommand({ Bucket, Key: 'sse-c', ...customer }))
  const SSEKMSEncryptionContext = Buffer.from(JSON.stringify({ for: word('a context') })).toString('base64')
  for (const ServerSideEncryption of ['aws:kms', 'aws:kms:dsse'] as const) {
    const kms = { ServerSideEncryption, SSEKMSKeyId: rootKeyCrn, SSEKMSEncryptionContext }
    const Body = body(`a PUT by ${ServerSideEncryption}`, 70_000)
    await s3.send(new PutObjectCommand({ Bucket, Key: ServerSideEncryption, Body, ...kms }))
  }
}

describe('A server that keeps secrets', () => {
  let directory: string
  let planted: Planted
  let output: string
  let files: ReadonlyMap<string, Buffer>
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'coffer-test-'))
    const bootstrapFile = await writeBootstrapFile(join(directory, 'bootstrap.json'), [mainAccount])
    const dataDir = join(directory, 'store', 'data')
    const settings = {
      COFFER_LOG_LEVEL: 'debug',
      COFFER_KMS_ROTATE_INTERVAL_MS: '0',
      COFFER_STORAGE_CLASSES: `STANDARD_IA=${join(directory, 'store', 'slow')}`,
    }
    const server = await startServerProcess({ dataDir, bootstrapFile, settings })
    planted = await plant(server)
    await server.stop()
    output = server.output()
    files = await filesUnder(join(directory, 'store'))
  }, 60_000)
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('was really used, and looked at', () => {
    expect(planted.size).toBeGreaterThan(60)
    const total = [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0)
    expect(total).toBeGreaterThan(5_000_000)
    // Names of objects are not hidden: the search finds what is there.
    expect(leaks(new Map([['a name', Buffer.from('unfinished')]]), files)).not.toEqual([])
    expect([...files.keys()].some((path) => path.startsWith(join(directory, 'store', 'slow')))).toBe(true)
    expect(output).toContain('PutObject')
    expect(output).toContain('CompleteMultipartUpload')
    expect(output).toContain('kms.secrets.wrap')
  })

  it('leaves none of them on the disk', () => {
    expect(leaks(planted, files)).toEqual([])
  })

  it('says none of them in its log', () => {
    expect(leaks(planted, new Map([['the log', Buffer.from(output)]]))).toEqual([])
  })

  it('lets nobody else read its files', async () => {
    for (const path of files.keys()) expect([path, ((await stat(path)).mode & 0o077) === 0]).toEqual([path, true])
  })
})

/**
 * One after another, everything that writes, with secrets of its own and a proof that it wrote; after each, every byte of
 * the disk is looked at.
 */
describe('On the disk nothing can be read', () => {
  const { planted, body, word } = planting()
  const Bucket = 'objects'
  let test: ObjectHouse
  let directory: string
  let movedMs: number | undefined
  let hook: Server
  let hookAnswer = 503
  let told = ''
  /** Another Coffer, whose disk lies in the same directory. */
  let there: ObjectHouse | undefined
  let port = 0
  async function open() {
    const address = hook.address()
    const hookPort = typeof address === 'object' ? address?.port : undefined
    test = await startObjectHouse({
      directory,
      settings: {
        COFFER_STORAGE_CLASSES: `STANDARD_IA=${join(directory, 'slow')}`,
        COFFER_S3_WEBHOOKS: `hook=http://127.0.0.1:${hookPort}/`,
        COFFER_S3_REPLICATION_TARGETS: `dr=http://127.0.0.1:${port}?kind=coffer`,
        COFFER_S3_REPLICATION_CREDENTIALS: `dr=${mainAccount.user.accessKeyId}:${mainAccount.user.secretAccessKey}`,
      },
      clock: { now: () => movedMs ?? Date.now() },
    })
  }
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'coffer-test-'))
    hook = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        if (hookAnswer === 200) told += Buffer.concat(chunks)
        response.writeHead(hookAnswer).end()
      })
    }).listen(0, '127.0.0.1')
    await once(hook, 'listening')
    port = await freePort()
    await open()
    await makeBucket(test.s3, 'reports')
  })
  afterAll(async () => {
    await test.stop()
    await there?.stop()
    hook.closeAllConnections()
    hook.close()
    await rm(directory, { recursive: true, force: true })
  })
  const head = async (Key: string) => test.s3.send(new HeadObjectCommand({ Bucket, Key }))
  const reports = async () => {
    const keys = await keysOf(test.s3, 'reports')
    const read = async (Key: string) => {
      const { Body } = await test.s3.send(new GetObjectCommand({ Bucket: 'reports', Key }))
      return Buffer.from((await Body?.transformToByteArray()) ?? [])
    }
    return Buffer.concat(await Promise.all(keys.map(async (key) => unzipped(key, await read(key))))).toString('latin1')
  }
  const inParts = async (
    Key: string,
    part: (of: { UploadId: string; PartNumber: 1 }) => Promise<string | undefined>,
  ) => {
    const Metadata = { note: word(`metadata of ${Key}`) }
    const { UploadId = '' } = await test.s3.send(new CreateMultipartUploadCommand({ Bucket, Key, Metadata }))
    const ETag = await part({ UploadId, PartNumber: 1 })
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    await test.s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))
  }

  const steps: Readonly<Record<string, () => Promise<void>>> = {
    'a PUT': async () => {
      const Metadata = { note: word('metadata of a PUT') }
      await test.put('put', body('a PUT', 200_000), { Metadata, Tagging: `a=${word('a tag')}` })
      await test.put('small', body('a small PUT', 500))
    },
    'a POST form': async () => {
      const { url, fields } = await createPresignedPost(test.s3, { Bucket, Key: 'form' })
      const form = new FormData()
      for (const [name, value] of Object.entries(fields)) form.set(name, value)
      form.set('file', new Blob([new Uint8Array(body('a form', 100_000))]))
      expect((await fetch(url, { method: 'POST', body: form })).status).toBe(204)
    },
    'a multipart upload': async () => {
      const Body = body('a part', 150_000)
      await inParts(
        'parts',
        async (of) => (await test.s3.send(new UploadPartCommand({ Bucket, Key: 'parts', ...of, Body }))).ETag,
      )
    },
    'a copy of a part': async () => {
      const CopySource = `${Bucket}/put`
      await inParts('part-copy', async (of) => {
        const { CopyPartResult } = await test.s3.send(
          new UploadPartCopyCommand({ Bucket, Key: 'part-copy', ...of, CopySource }),
        )
        return CopyPartResult?.ETag
      })
      expect((await test.get('part-copy')).bytes).toHaveLength(200_000)
    },
    'a copy': async () => {
      const Metadata = { note: word('metadata of a copy') }
      const copy = { Bucket, Key: 'copy', CopySource: `${Bucket}/put`, MetadataDirective: 'REPLACE', Metadata } as const
      await test.s3.send(new CopyObjectCommand(copy))
    },
    'an append': async () => {
      const Body = body('an append', 90_000)
      await test.s3.send(new PutObjectCommand({ Bucket, Key: 'small', Body, WriteOffsetBytes: 500 }))
      expect((await test.get('small')).bytes).toHaveLength(90_500)
    },
    'a renaming': async () => {
      await test.s3.send(new RenameObjectCommand({ Bucket, Key: 'renamed', RenameSource: 'small' }))
      expect((await test.get('renamed')).bytes).toHaveLength(90_500)
    },
    'what is to be replicated': async () => {
      await versioned(test.s3, 'source')
      await versioned(test.s3, 'replica')
      const [here, elsewhere] = [rule('arn:aws:s3:::replica'), rule('arn:coffer:s3::dr:replicas')]
      await replicate(test.s3, 'source', here, { ...elsewhere, ID: 'elsewhere', Priority: 2 })
      const Metadata = { note: word('metadata that is replicated') }
      const Body = body('what is replicated', 180_000)
      await test.s3.send(new PutObjectCommand({ Bucket: 'source', Key: 'source', Body, Metadata }))
      expect(await statusOf(test.s3, 'source', 'source')).toBe('PENDING')
    },
    'a replication': async () => {
      const listen = { COFFER_S3_LISTEN: `127.0.0.1:${port}` }
      there = await startObjectHouse({ directory: await mkdtemp(join(directory, 'there-')), settings: listen })
      await versioned(there.s3, 'replicas')
      await isDone(test.s3, 'source', 'source')
      expect(await bytesOf(test.s3, 'replica', 'source')).toHaveLength(180_000)
      expect(await bytesOf(there.s3, 'replicas', 'source')).toHaveLength(180_000)
    },
    'a move to another class': async () => {
      const Transitions = [{ Days: 1, StorageClass: 'STANDARD_IA' as const }]
      const Rules = [{ ID: 'moves', Status: 'Enabled' as const, Filter: {}, Transitions }]
      await test.s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }))
      movedMs = Date.now() + 3 * 86_400_000
      await test.house.objects.lifecycle.pass()
      movedMs = undefined
      expect((await head('put')).StorageClass).toBe('STANDARD_IA')
      expect((await filesUnder(join(directory, 'slow'))).size).toBeGreaterThan(0)
    },
    'the queue of notifications': async () => {
      const QueueArn = 'arn:coffer:sqs::hook:webhook'
      const one = { Id: word('a subscription'), QueueArn, Events: ['s3:ObjectCreated:*' as const] }
      await test.s3.send(
        new PutBucketNotificationConfigurationCommand({
          ...{ Bucket, NotificationConfiguration: { QueueConfigurations: [one] }, SkipDestinationValidation: true },
        }),
      )
      await test.put('told', body('what is told', 1000))
    },
    'what is told over a restart': async () => {
      expect(told).toBe('')
      await test.stop()
      expect(leaks(planted, await filesUnder(directory))).toEqual([])
      hookAnswer = 200
      await open()
      await expect.poll(() => told, { timeout: 20_000 }).toContain('"key":"told"')
      expect(told).toContain(String(planted.get('a subscription')))
    },
    'a delivery of logs': async () => {
      for (const name of ['BATCH.DELETE.OBJECT', 'S3.TRANSITION_SIA.OBJECT', 'REST.GET.OBJECT'])
        planted.set(name, Buffer.from(name))
      const LoggingEnabled = { TargetBucket: 'reports', TargetPrefix: 'log' }
      await test.s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: { LoggingEnabled } }))
      await test.raw({ method: 'GET', key: 'told', headers: { 'user-agent': word('a client') } })
      await test.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'form' }] } }))
      movedMs = Date.now() + 3 * 86_400_000
      await test.house.objects.lifecycle.pass()
      movedMs = undefined
      await test.house.objects.accessLogs.flush()
      const text = await reports()
      for (const name of ['a client', 'BATCH.DELETE.OBJECT', 'S3.TRANSITION_SIA.OBJECT', 'REST.GET.OBJECT']) {
        expect(text).toContain(String(planted.get(name)))
      }
    },
    'an inventory': async () => {
      planted.set('a manifest', Buffer.from('"fileSchema"'))
      planted.set('the head of a report', Buffer.from([0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3]))
      const S3BucketDestination = { Bucket: 'arn:aws:s3:::reports', Format: 'CSV' as const }
      const InventoryConfiguration = {
        ...{ Id: 'all', IsEnabled: true, IncludedObjectVersions: 'All' as const, OptionalFields: ['ETag' as const] },
        ...{ Schedule: { Frequency: 'Daily' as const }, Destination: { S3BucketDestination } },
      }
      await test.s3.send(new PutBucketInventoryConfigurationCommand({ Bucket, Id: 'all', InventoryConfiguration }))
      await test.house.objects.inventories.pass()
      const text = await reports()
      expect(text).toContain('"fileSchema"')
      expect(text).toContain(planted.get('MD5 of a PUT')?.toString('hex'))
    },
    'logs that could not be delivered before a stop': async () => {
      const keys = await keyOwner(test.controlUrl)
      const key = await keys.newKey('of the logs')
      await makeBucket(test.s3, 'locked', key.crn)
      const LoggingEnabled = { TargetBucket: 'locked', TargetPrefix: '' }
      await test.s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: { LoggingEnabled } }))
      await keys.act(key.id, 'disable')
      await test.settled()
      await test.raw({ method: 'GET', key: 'told', headers: { 'user-agent': word('another client') } })
      await test.stop()
      expect(leaks(planted, await filesUnder(directory))).toEqual([])
      await open()
      await (await keyOwner(test.controlUrl)).act(key.id, 'enable')
      await test.settled()
      await test.house.objects.accessLogs.flush()
      const [Key = ''] = await keysOf(test.s3, 'locked')
      const { Body } = await test.s3.send(new GetObjectCommand({ Bucket: 'locked', Key }))
      expect(await Body?.transformToString()).toContain(String(planted.get('another client')))
    },
  }

  it.each(Object.entries(steps))('after %s', async (_, step) => {
    const before = planted.size
    await step()
    const files = await filesUnder(directory)
    expect(leaks(planted, files)).toEqual([])
    expect(planted.size).toBeGreaterThanOrEqual(before)
    // Names are not hidden: the search finds what is there.
    expect(leaks(new Map([['a name', Buffer.from('part-copy')]]), files).length > 0).toBe(
      planted.has('metadata of part-copy'),
    )
  })
})

const unzipped = (key: string, bytes: Buffer): Buffer => (key.endsWith('.gz') ? gunzipSync(bytes) : bytes)

describe('Keys that the server makes itself', () => {
  it('are on the disk in none of their bytes, the key of the instance apart', async () => {
    const made: Planted = new Map()
    const { randomBytes, randomFillSync } = crypto
    const remember = (bytes: Buffer) => {
      const isKeys = bytes.length > 0 && bytes.length % 32 === 0
      for (let at = 0; isKeys && at < bytes.length; at += 32) {
        made.set(`random key ${made.size}`, Buffer.from(bytes.subarray(at, at + 32)))
      }
    }
    Object.assign(crypto, {
      randomBytes: (size: number) => {
        const bytes = randomBytes(size)
        remember(bytes)
        return bytes
      },
      randomFillSync: (target: Buffer) => {
        randomFillSync(target)
        remember(target)
        return target
      },
    })
    syncBuiltinESMExports()
    try {
      // Those that were drawn before anybody looked are used up first: several are drawn at a time.
      while (made.size === 0) newDek()[Symbol.dispose]()
      const drawn = made.size
      expect(drawn).toBeGreaterThan(12)
      const test = await startHouse()
      await test.client().send(new CreateBucketCommand({ Bucket: 'bucket' }))
      for (let index = 0; index < 10; index++) {
        await test.client().send(new PutObjectCommand({ Bucket: 'bucket', Key: `key-${index}`, Body: 'x' }))
      }
      await test.stop()
      // The material of a root key at the least.
      expect(made.size).toBeGreaterThan(drawn)
      expect(leaks(made, await filesUnder(test.dataDir))).toEqual([])
      await rm(test.directory, { recursive: true, force: true })
    } finally {
      Object.assign(crypto, { randomBytes, randomFillSync })
      syncBuiltinESMExports()
    }
  })
})
