import { tracingChannel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { PutBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { readTraceparent, type Traced } from '../../src/observe/tracing.ts'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { keyOwner } from '../support/keys.ts'
import { type KeysHalf, startKeysHalf } from '../support/keys-half.ts'
import { sendRaw } from '../support/raw-s3.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`
const CHANNELS = [
  'coffer:s3:request',
  'coffer:control:request',
  'coffer:kms:call',
  'coffer:notification:delivery',
] as const

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A plain HTTP server that keeps what it is sent. */
async function receiver() {
  const received: Received[] = []
  const server = createServer((request, answer) => {
    void text(request).then((body) => {
      received.push({ headers: request.headers, body })
      answer.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return {
    received,
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.dispose]: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

describe('a traceparent', () => {
  it('is taken as W3C Trace Context writes it, and of later versions what is known of them', () => {
    expect(readTraceparent(PARENT)).toBe(PARENT)
    expect(readTraceparent(`cc-${TRACE}-00f067aa0ba902b7-01-what-may-come`)).toBe(PARENT)
    expect(readTraceparent(`cc-${TRACE}-00f067aa0ba902b7-01`)).toBe(PARENT)
  })
  it.each([
    ['nothing', undefined],
    ['something else', 'trace'],
    ['a version that there cannot be', `ff-${TRACE}-00f067aa0ba902b7-01`],
    ['more than version 00 has', `${PARENT}-more`],
    ['capitals', PARENT.toUpperCase()],
    ['no trace', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['no parent', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['two of them', `${PARENT},${PARENT}`],
    ['a line more', `${PARENT}\n`],
  ])('is not taken when it is %s', (_, header) => {
    expect(readTraceparent(header)).toBeUndefined()
  })
})

describe('channels', () => {
  let place: TemporaryDirectory
  let half: KeysHalf
  let hook: Awaited<ReturnType<typeof receiver>>
  let test: TestHouse
  let rootKeyCrn: string
  const told = new Map<string, Traced[]>()
  const ended = new Set<Traced>()
  const ofCalls = (name: (typeof CHANNELS)[number]) => told.get(name) ?? []

  beforeAll(async () => {
    place = await temporaryDirectory()
    half = await startKeysHalf({ directory: place.path, settings: { COFFER_LOG_LEVEL: 'info' } })
    hook = await receiver()
    test = await startHouse({ settings: { ...half.settings, COFFER_S3_WEBHOOKS: `hook=${hook.url}/` } })
    const { crn } = await (await keyOwner(half.server.controlUrl)).newKey('traced')
    rootKeyCrn = crn
    await makeBucket(test.client(), 'traced', crn)
    await test.client().send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: 'traced',
        NotificationConfiguration: {
          QueueConfigurations: [{ QueueArn: 'arn:coffer:sqs::hook:webhook', Events: ['s3:ObjectCreated:*'] }],
        },
      }),
    )
    await vi.waitFor(() => expect(hook.received).toHaveLength(1))
  })
  afterAll(async () => {
    await test[Symbol.asyncDispose]()
    hook[Symbol.dispose]()
    await half[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    told.clear()
    hook.received.splice(0)
  })

  const put = (key: string) =>
    sendRaw(test.s3Url, { method: 'PUT', path: `/traced/${key}`, body: 'x', headers: { traceparent: PARENT } })
  /** Its keys are made at the key service, at once. */
  const makeTraced = (bucket: string) =>
    sendRaw(test.s3Url, {
      ...{ method: 'PUT', path: `/${bucket}` },
      headers: {
        traceparent: PARENT,
        'ibm-sse-kp-encryption-algorithm': 'AES256',
        'ibm-sse-kp-customer-root-key-crn': rootKeyCrn,
      },
    })
  const logged = () => half.server.output().split('\n')

  it('nobody listens to cost nothing, and the trace is passed on all the same', async () => {
    for (const name of CHANNELS) expect(tracingChannel(name).hasSubscribers, name).toBe(false)
    expect((await makeTraced('unheard')).status).toBe(200)
    expect((await put('unheard')).status).toBe(200)
    await vi.waitFor(() => {
      expect(logged().filter((line) => line.includes(`"traceId":"${TRACE}"`))).toContainEqual(
        expect.stringContaining('"operation":"WrapKey"'),
      )
      expect(hook.received.map(({ headers }) => headers['traceparent'])).toEqual([PARENT])
    })
  })

  it('tell of requests, key calls and deliveries, and pass on the span that a subscriber made', async () => {
    const subscribers = CHANNELS.map((name) => {
      const own = `${name.length}`.padStart(16, 'a')
      const of = {
        start: (message: unknown) => {
          const traced = message as Traced
          told.set(name, [...ofCalls(name), traced])
          traced.traceparent = `00-${TRACE}-${own}-01`
        },
        asyncEnd: (message: unknown) => void ended.add(message as Traced),
      }
      const channel = tracingChannel<object, Traced>(name)
      channel.start.subscribe(of.start)
      channel.asyncEnd.subscribe(of.asyncEnd)
      return () => {
        channel.start.unsubscribe(of.start)
        channel.asyncEnd.unsubscribe(of.asyncEnd)
      }
    })
    try {
      expect((await makeTraced('heard')).status).toBe(200)
      expect((await put('heard')).status).toBe(200)
      const absent = await sendRaw(test.s3Url, { method: 'GET', path: '/traced/none', query: { partNumber: '1' } })
      await fetch(`${test.controlUrl}/health/live`)
      await vi.waitFor(() => {
        expect(hook.received).toHaveLength(1)
        expect(ofCalls('coffer:notification:delivery').every((one) => ended.has(one))).toBe(true)
        expect(ofCalls('coffer:s3:request').every((one) => ended.has(one))).toBe(true)
        expect(ofCalls('coffer:control:request').every((one) => ended.has(one))).toBe(true)
      })
      expect(ofCalls('coffer:s3:request')).toMatchObject([
        { name: 'CreateBucket', attributes: { 'aws.s3.bucket': 'heard' } },
        {
          name: 'PutObject',
          attributes: {
            'http.request.method': 'PUT',
            'url.path': '/traced/heard',
            'url.scheme': 'http',
            'http.response.status_code': 200,
            'server.port': Number(new URL(test.s3Url).port),
            'aws.s3.bucket': 'traced',
            'user.id': mainAccount.user.iamId,
          },
        },
        {
          name: 'GetObject',
          requestId: absent.headers['x-amz-request-id'],
          attributes: { 'url.path': '/traced/none', 'http.response.status_code': 404, 'error.type': 'NoSuchKey' },
        },
      ])
      expect(ofCalls('coffer:kms:call')).toContainEqual(
        expect.objectContaining({
          name: 'key wrap',
          attributes: expect.objectContaining({ 'coffer.key.provider': 'elsewhere', 'coffer.key.where': 'elsewhere' }),
        }),
      )
      expect(ofCalls('coffer:control:request')).toMatchObject([
        { name: 'health.GetLiveness', attributes: { 'url.path': '/health/live', 'http.response.status_code': 200 } },
      ])
      // The event was queued under the request's span, and is delivered under that of the delivery.
      expect(ofCalls('coffer:notification:delivery')).toMatchObject([
        { attributes: { 'messaging.destination.name': 'hook', 'aws.s3.bucket': 'traced' } },
      ])
      expect(hook.received[0]?.headers['traceparent']).toBe(`00-${TRACE}-${'28'.padStart(16, 'a')}-01`)
      const attributes = [...told.values()].flat().map((one) => JSON.stringify(one.attributes))
      for (const of of attributes) expect(of).not.toMatch(/partNumber|Signature|Bearer/)
    } finally {
      for (const unsubscribe of subscribers) unsubscribe()
    }
  })
})

it('the example sends spans that hang together to a collector, and the log names the trace', async () => {
  using collector = await receiver()
  await using place = await temporaryDirectory()
  await using server = await startServerProcess({
    dataDir: place.join('data'),
    bootstrapFile: await writeBootstrapFile(place.join('bootstrap.json'), [mainAccount]),
    nodeOptions: ['--import', new URL('../../examples/opentelemetry.ts', import.meta.url).href],
    settings: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
  })
  const client = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
  await makeBucket(client, 'traced')
  client.destroy()
  const headers = { traceparent: PARENT }
  expect((await sendRaw(server.s3Url, { method: 'PUT', path: '/traced/key', body: 'x', headers })).status).toBe(200)
  await vi.waitFor(
    () => {
      const spans = collector.received.flatMap(({ body }) => spansOf(JSON.parse(body)))
      const [request] = spans.filter(({ name }) => name === 'PutObject')
      expect(request).toMatchObject({ traceId: TRACE, parentSpanId: PARENT.split('-')[2], kind: 2, status: {} })
      expect(spans).toContainEqual(
        expect.objectContaining({ name: 'key wrap', traceId: TRACE, parentSpanId: request?.spanId, kind: 3 }),
      )
      expect(BigInt(request?.endTimeUnixNano ?? 0)).toBeGreaterThan(BigInt(request?.startTimeUnixNano ?? 0))
    },
    { timeout: 10_000, interval: 100 },
  )
  const line = server
    .output()
    .split('\n')
    .find((each) => each.includes('"operation":"PutObject"'))
  expect(JSON.parse(line ?? '{}')).toMatchObject({ traceId: TRACE, requestId: expect.any(String) })
})

interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
}

interface Exported {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[]
}

const spansOf = ({ resourceSpans }: Exported): readonly Span[] =>
  resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
