import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  type Event,
  type FilterRuleName,
  GetBucketNotificationConfigurationCommand,
  type NotificationConfiguration,
  type NotificationConfigurationFilter,
  PutBucketLifecycleConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  RenameObjectCommand,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { filesUnder } from '../support/files-under.ts'
import { complete, createUpload, sendPart } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'

interface Told {
  readonly path: string
  readonly authorization: string | undefined
  readonly message: { readonly Event?: string; readonly Records?: readonly EventRecord[] }
}
interface EventRecord {
  readonly eventName: string
  readonly eventVersion: string
  readonly s3: { readonly configurationId: string; readonly object: Record<string, unknown> }
}

let hook: Server
let port = 0
let told: Told[] = []
/** What the webhook answers. */
let answer = 200
let refused = 0
async function listen() {
  hook = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { authorization } = request.headers
      const message = JSON.parse(Buffer.concat(chunks).toString())
      if (answer !== 200) refused++
      else told.push({ path: request.url ?? '', authorization, message })
      response.writeHead(answer).end('thank you')
    })
  })
  hook.listen(port, '127.0.0.1')
  await once(hook, 'listening')
  const address = hook.address()
  port = typeof address === 'object' && address ? address.port : 0
}
async function hangUp() {
  hook.closeAllConnections()
  hook.close()
  await once(hook, 'close')
}

let test: ObjectHouse
let movedMs: number | undefined
const settings = () => ({
  COFFER_S3_WEBHOOKS: `orders=http://127.0.0.1:${port}/orders,other=http://127.0.0.1:${port}/other`,
  COFFER_S3_WEBHOOK_TOKEN: 'the token of the webhooks',
})
beforeEach(async () => {
  told = []
  answer = 200
  refused = 0
  await listen()
  test = await startObjectHouse({ settings: settings(), clock: { now: () => movedMs ?? Date.now() } })
})
afterEach(async () => {
  await test[Symbol.asyncDispose]()
  if (hook.listening) await hangUp()
})

const QUEUE = 'arn:coffer:sqs::orders:webhook'
const OTHER = 'arn:coffer:sns:us-east-1:other:webhook'
const notify = (configuration: NotificationConfiguration, more = {}) =>
  test.s3.send(
    new PutBucketNotificationConfigurationCommand({
      ...{ Bucket: test.bucket, NotificationConfiguration: configuration },
      SkipDestinationValidation: true,
      ...more,
    }),
  )
const queue = (...Events: Event[]): NotificationConfiguration => ({
  QueueConfigurations: [{ Id: 'mine', QueueArn: QUEUE, Events }],
})
const records = () => told.flatMap(({ message }) => message.Records ?? [])
const names = () => records().map(({ eventName }) => eventName)
const eventually = (expected: readonly string[]) => expect.poll(names, { timeout: 20_000 }).toEqual(expected)

describe('The notification configuration of a bucket', () => {
  it('is empty, is what was put, and goes', async () => {
    const get = async () => {
      const { $metadata: _, ...configuration } = await test.s3.send(
        new GetBucketNotificationConfigurationCommand({ Bucket: test.bucket }),
      )
      return configuration
    }
    expect(await get()).toEqual({})
    const Filter = {
      Key: {
        FilterRules: [
          { Name: 'Prefix' as FilterRuleName, Value: 'in/' },
          { Name: 'Suffix' as FilterRuleName, Value: '.jpg' },
        ],
      },
    } satisfies NotificationConfigurationFilter
    const given: NotificationConfiguration = {
      QueueConfigurations: [{ Id: 'q', QueueArn: QUEUE, Events: ['s3:ObjectCreated:*', 's3:ObjectAcl:Put'] }],
      TopicConfigurations: [{ Id: 't', TopicArn: OTHER, Events: ['s3:ObjectRemoved:Delete'], Filter }],
      LambdaFunctionConfigurations: [
        { Id: 'f', LambdaFunctionArn: 'arn:aws:lambda::orders:webhook', Events: ['s3:ObjectTagging:*'] },
      ],
    }
    await notify(given)
    expect(await get()).toEqual(given)
    await notify({})
    expect(await get()).toEqual({})
  })

  const put = (inside: string) =>
    sendRaw(test.s3Url, {
      ...{ method: 'PUT', path: `/${test.bucket}`, query: { notification: '' } },
      body: `<NotificationConfiguration>${inside}</NotificationConfiguration>`,
    }).then(outcome)
  const of = (inside: string, arn = QUEUE, event = 's3:ObjectCreated:Put') =>
    `<QueueConfiguration><Queue>${arn}</Queue><Event>${event}</Event>${inside}</QueueConfiguration>`
  const rule = (name: string, value = 'x') => `<FilterRule><Name>${name}</Name><Value>${value}</Value></FilterRule>`
  const filter = (inside: string) => `<Filter><S3Key>${inside}</S3Key></Filter>`
  it.each([
    ['a target that is not set up', of('', 'arn:coffer:sqs::nobody:webhook'), '400 InvalidArgument'],
    ['an ARN of another kind', of('', OTHER), '400 InvalidArgument'],
    ['no ARN', of('', 'orders'), '400 InvalidArgument'],
    ['an event that there is not', of('', QUEUE, 's3:ObjectEaten:*'), '400 InvalidArgument'],
    ['no event', `<QueueConfiguration><Queue>${QUEUE}</Queue></QueueConfiguration>`, '400 MalformedXML'],
    ['a filter of something else', of(filter(rule('infix'))), '400 InvalidArgument'],
    ['two prefixes', of(filter(rule('prefix') + rule('Prefix'))), '400 InvalidArgument'],
    ['the same id twice', of('<Id>a</Id>') + of('<Id>a</Id>', QUEUE, 's3:ObjectAcl:Put'), '400 InvalidArgument'],
    ['two that overlap', of(filter(rule('prefix', 'a'))) + of(filter(rule('prefix', 'ab'))), '400 InvalidArgument'],
    ['EventBridge', '<EventBridgeConfiguration/>', '501 NotImplemented'],
    ['anything else', '<MailConfiguration/>', '400 MalformedXML'],
  ])('is refused with %s', async (_, inside, expected) => {
    expect(await put(inside)).toBe(expected)
  })

  it('names each event once, however often it was given', async () => {
    expect(await put(of('<Event>s3:ObjectRemoved:*</Event><Event>s3:ObjectCreated:Put</Event>'.repeat(500)))).toBe(
      '200',
    )
    const { QueueConfigurations } = await test.s3.send(
      new GetBucketNotificationConfigurationCommand({ Bucket: test.bucket }),
    )
    expect(QueueConfigurations?.[0]?.Events).toEqual(['s3:ObjectCreated:Put', 's3:ObjectRemoved:*'])
  })

  it('takes two that tell of different things', async () => {
    const a = of(filter(rule('prefix', 'a') + rule('suffix', 'z')))
    expect(await put(a + of(filter(rule('prefix', 'b'))) + of('', QUEUE, 's3:ObjectRemoved:*'))).toBe('200')
  })
})

describe('A notification', () => {
  it('tells of what is appended and of what gets another name', async () => {
    await notify(queue('s3:ObjectCreated:*', 's3:ObjectRemoved:*'))
    const Bucket = test.bucket
    await test.put('log', 'one ')
    const { ETag } = await test.s3.send(new PutObjectCommand({ Bucket, Key: 'log', Body: 'two', WriteOffsetBytes: 4 }))
    await test.s3.send(new RenameObjectCommand({ Bucket, Key: 'renamed', RenameSource: 'log' }))
    // In the order of each object; events of others may come before or after.
    const of = (key: string) => records().filter(({ s3 }) => s3.object['key'] === key)
    const namesOf = (key: string) => of(key).map(({ eventName }) => eventName)
    const written = { size: 7, eTag: ETag?.replaceAll('"', '') }
    await expect.poll(() => namesOf('renamed'), { timeout: 20_000 }).toEqual(['ObjectCreated:Copy'])
    const expected = ['ObjectCreated:Put', 'ObjectCreated:Put', 'ObjectRemoved:Delete']
    await expect.poll(() => namesOf('log'), { timeout: 20_000 }).toEqual(expected)
    expect(of('log')[1]?.s3.object).toMatchObject(written)
    expect(of('renamed')[0]?.s3.object).toMatchObject(written)
    expect(records()).toHaveLength(4)
  })

  it('tells at first that it was set up, with the token of the webhooks', async () => {
    await notify(queue('s3:ObjectCreated:*'), { SkipDestinationValidation: undefined })
    await expect.poll(() => told, { timeout: 20_000 }).toHaveLength(1)
    expect(told[0]).toMatchObject({
      path: '/orders',
      authorization: 'Bearer the token of the webhooks',
      message: { Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: test.bucket },
    })
  })

  it('has the form of S3', async () => {
    await notify(queue('s3:ObjectCreated:*'))
    const { ETag } = await test.put('a key/ü+*', 'twelve bytes')
    await eventually(['ObjectCreated:Put'])
    const [record] = records()
    expect(record).toMatchObject({
      eventVersion: '2.1',
      eventSource: 'aws:s3',
      awsRegion: 'us-east-1',
      eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      userIdentity: { principalId: mainAccount.user.iamId },
      requestParameters: { sourceIPAddress: '127.0.0.1' },
      responseElements: { 'x-amz-request-id': expect.stringMatching(/^[0-9A-F]{16}$/) },
      s3: {
        s3SchemaVersion: '1.0',
        configurationId: 'mine',
        bucket: {
          name: test.bucket,
          arn: `arn:aws:s3:::${test.bucket}`,
          ownerIdentity: { principalId: expect.any(String) },
        },
        object: { key: 'a+key/%C3%BC%2B%2A', size: 12, eTag: ETag?.slice(1, -1) },
      },
    })
    expect(record?.s3.object['versionId']).toBeUndefined()
  })

  it('comes for everything that is done to an object', async () => {
    const all: Event[] = ['s3:ObjectCreated:*', 's3:ObjectRemoved:*', 's3:ObjectTagging:*', 's3:LifecycleExpiration:*']
    await notify(queue(...all))
    const { bucket: Bucket } = test
    const expected: string[] = []
    const then = async (name: string, work: Promise<unknown>) => {
      await work
      expected.push(name)
      await eventually(expected)
    }
    await then('ObjectCreated:Put', test.put('key', 'x'))
    const copy = new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/key` })
    await then('ObjectCreated:Copy', test.s3.send(copy))
    const uploadId = await createUpload(test, 'parts')
    const part = await sendPart(test, 'parts', uploadId, 1, 'x')
    await then('ObjectCreated:CompleteMultipartUpload', complete(test, 'parts', uploadId, [part]))
    const Tagging = { TagSet: [{ Key: 'a', Value: 'b' }] }
    await then('ObjectTagging:Put', test.s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'key', Tagging })))
    await then('ObjectTagging:Delete', test.s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'key' })))
    await then('ObjectRemoved:Delete', test.s3.send(new DeleteObjectCommand({ Bucket, Key: 'copy' })))
    const Delete = { Objects: [{ Key: 'parts' }] }
    await then('ObjectRemoved:Delete', test.s3.send(new DeleteObjectsCommand({ Bucket, Delete })))
    const Rules = [{ ID: 'x', Status: 'Enabled' as const, Filter: {}, Expiration: { Days: 1 } }]
    await test.s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }))
    movedMs = Date.now() + 3 * 86_400_000
    await then('LifecycleExpiration:Delete', test.house.objects.lifecycle.pass())
    movedMs = undefined
    await test.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    await then('ObjectCreated:Put', test.put('versioned', 'x'))
    await then('ObjectRemoved:DeleteMarkerCreated', test.s3.send(new DeleteObjectCommand({ Bucket, Key: 'versioned' })))
    const objects = records().map(({ s3 }) => s3.object)
    expect(objects.at(-1)?.['versionId']).toMatch(/^[\w-]{22}$/)
    const sequencers = objects.map(({ sequencer }) => String(sequencer))
    expect(sequencers).toEqual(sequencers.toSorted())
    expect(new Set(sequencers).size).toBe(sequencers.length)
  })

  it('of tags and ACLs tells the ETag, in a structure of its own, and of an ACL only that it changed', async () => {
    await test[Symbol.asyncDispose]()
    test = await startObjectHouse({ settings: { ...settings(), COFFER_S3_BUCKET_DEFAULTS: 'classic' } })
    await notify(queue('s3:ObjectAcl:Put', 's3:ObjectTagging:*'))
    const { ETag } = await test.put('key', 'x')
    const of = { Bucket: test.bucket, Key: 'key' }
    for (const ACL of ['private', 'public-read', 'public-read', 'private', 'private'] as const) {
      await test.s3.send(new PutObjectAclCommand({ ...of, ACL }))
    }
    await test.s3.send(new PutObjectTaggingCommand({ ...of, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }))
    await test.s3.send(new DeleteObjectTaggingCommand(of))
    await eventually(['ObjectAcl:Put', 'ObjectAcl:Put', 'ObjectTagging:Put', 'ObjectTagging:Delete'])
    for (const { eventVersion, s3 } of records()) {
      expect([eventVersion, s3.object['eTag']]).toEqual(['2.3', ETag?.slice(1, -1)])
    }
  })

  it('of a transition tells where it led', async () => {
    await test[Symbol.asyncDispose]()
    const cold = await mkdtemp(join(tmpdir(), 'coffer-test-'))
    test = await startObjectHouse({
      settings: { ...settings(), COFFER_STORAGE_CLASSES: `GLACIER_IR=${cold}/store` },
      clock: { now: () => movedMs ?? Date.now() },
    })
    await notify(queue('s3:LifecycleTransition'))
    await test.put('key', 'x')
    const Transitions = [{ Days: 1, StorageClass: 'GLACIER_IR' as const }]
    const Rules = [{ ID: 'x', Status: 'Enabled' as const, Filter: {}, Transitions }]
    await test.s3.send(
      new PutBucketLifecycleConfigurationCommand({ Bucket: test.bucket, LifecycleConfiguration: { Rules } }),
    )
    movedMs = Date.now() + 3 * 86_400_000
    await test.house.objects.lifecycle.pass()
    movedMs = undefined
    await eventually(['LifecycleTransition'])
    expect(records()[0]).toMatchObject({
      eventVersion: '2.3',
      lifecycleEventData: { transitionEventData: { destinationStorageClass: 'GLACIER_IR' } },
    })
    await rm(cold, { recursive: true, force: true })
  })

  it('comes for what its filter lets through, to whom it names', async () => {
    const Filter = {
      Key: {
        FilterRules: [
          { Name: 'prefix', Value: 'in/' },
          { Name: 'suffix', Value: '.jpg' },
        ],
      },
    } satisfies NotificationConfigurationFilter
    await notify({
      QueueConfigurations: [{ Id: 'jpg', QueueArn: QUEUE, Events: ['s3:ObjectCreated:Put'], Filter }],
      TopicConfigurations: [{ Id: 'gone', TopicArn: OTHER, Events: ['s3:ObjectRemoved:*'] }],
    })
    for (const key of ['in/a.jpg', 'in/a.png', 'a.jpg', 'in/b.jpg']) await test.put(key, 'x')
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'a.jpg' }))
    const seen = () => told.map(({ path, message }) => [path, message.Records?.[0]?.s3.object['key']].join(' ')).sort()
    const expected = ['/orders in/a.jpg', '/orders in/b.jpg', '/other a.jpg']
    await expect.poll(seen, { timeout: 20_000 }).toEqual(expected)
  })

  it('is repeated until it is taken, and holds up no other target', async () => {
    await notify({
      ...queue('s3:ObjectCreated:*'),
      TopicConfigurations: [{ Id: 'gone', TopicArn: OTHER, Events: ['s3:ObjectRemoved:*'] }],
    })
    answer = 503
    await test.put('one', 'x')
    await test.put('two', 'x')
    await expect.poll(() => refused, { timeout: 20_000 }).toBeGreaterThan(1)
    expect(told).toEqual([])
    answer = 200
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'none' }))
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'two' }))
    const keys = () => records().map(({ s3 }) => s3.object['key'])
    await expect.poll(() => keys().toSorted(), { timeout: 20_000 }).toEqual(['one', 'two', 'two'])
  })

  it('waits, sealed, for a webhook that is away, also over a restart', async () => {
    await notify(queue('s3:ObjectCreated:*'))
    await hangUp()
    await test.put('a-name-in-the-queue', 'x')
    const first = test
    await first.stop()
    for (const [file, bytes] of await filesUnder(first.dataDir)) {
      if (!file.includes('/audit/')) expect([file, bytes.includes('ObjectCreated')]).toEqual([file, false])
    }
    await listen()
    test = await startObjectHouse({ settings: settings(), directory: first.directory })
    await eventually(['ObjectCreated:Put'])
    expect(records()[0]?.s3.object['key']).toBe('a-name-in-the-queue')
  })

  it('ends with its configuration', async () => {
    await notify(queue('s3:ObjectCreated:*'))
    await test.put('one', 'x')
    await eventually(['ObjectCreated:Put'])
    await notify({})
    await test.put('two', 'x')
    await notify(queue('s3:ObjectRemoved:*'))
    await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'two' }))
    await eventually(['ObjectCreated:Put', 'ObjectRemoved:Delete'])
  })

  it('without a bucket there is none', async () => {
    const Bucket = 'no-such-bucket'
    expect(await refusal(test.s3.send(new GetBucketNotificationConfigurationCommand({ Bucket })))).toBe(
      '404 NoSuchBucket',
    )
  })
})
