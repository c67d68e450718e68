import { PutBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3'
import { afterEach, expect, it } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import type { QueuedEvent } from '../../src/objects/notifications/event.ts'
import { natsPublisher } from '../../src/server/notifications/nats.ts'
import { type FakeNatsServer, type Published, startNatsServer } from '../support/fakes/nats-server.ts'
import { freePort } from '../support/free-port.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'

const PATIENCE = { timeout: 20_000 }
const EVENT: QueuedEvent = {
  ...{ target: 'jobs', subscription: 'id', bucket: { name: 'bucket', ownerId: 'owner' }, timeMs: 0 },
  ...{ event: undefined, sequencer: '1', iamId: 'me', requestId: '', sourceIp: '' },
}
const KEPT = JSON.stringify({ stream: 'EVENTS', seq: 1 })
let nats: FakeNatsServer | undefined
afterEach(async () => {
  await nats?.close()
  nats = undefined
})

const houseTelling = (port: number): Promise<ObjectHouse> =>
  startObjectHouse({
    settings: {
      COFFER_S3_NATS_TARGETS: `jobs=nats://127.0.0.1:${port}/events.jobs`,
      COFFER_S3_NATS_CREDENTIALS: 'jobs=coffer:secret',
    },
  })
const notify = (test: ObjectHouse, QueueArn = 'arn:coffer:sqs::jobs:nats') =>
  test.s3.send(
    new PutBucketNotificationConfigurationCommand({
      ...{ Bucket: test.bucket, SkipDestinationValidation: true },
      NotificationConfiguration: { QueueConfigurations: [{ QueueArn, Events: ['s3:ObjectCreated:*'] }] },
    }),
  )
const keyOf = ({ payload }: Published): string => JSON.parse(payload).Records[0].s3.object.key
const idOf = ({ headers }: Published): string | undefined => /Nats-Msg-Id: ?(.*)\r\n/.exec(headers)?.[1]

it('an event is published until a stream has kept it, under the same id, with the login of its subject', async () => {
  const answers = ['{"error":{"code":503,"description":"no space"}}', 'who are you?']
  nats = await startNatsServer({ password: 'secret', answer: (_, count) => answers[count - 1] ?? KEPT })
  await using test = await houseTelling(nats.port)
  await notify(test)
  await test.put('key', 'x')
  const { published, connected } = nats
  await expect.poll(() => published.length, { timeout: 30_000 }).toBe(3)
  expect(new Set(published.map(({ subject }) => subject))).toEqual(new Set(['events.jobs']))
  expect(new Set(published.map(keyOf))).toEqual(new Set(['key']))
  expect(new Set(published.map(idOf)).size).toBe(1)
  expect(connected[0]).toMatchObject({ user: 'coffer', pass: 'secret' })
  // Nothing is left to be told.
  await test.put('other', 'x')
  await expect.poll(() => published.slice(3).map(keyOf), PATIENCE).toEqual(['other'])
  expect(new Set(published.map(idOf)).size).toBe(2)
}, 60_000)

it('events wait for a server that is away, or lets nobody in', async () => {
  const port = await freePort()
  await using test = await houseTelling(port)
  await notify(test)
  await test.put('one', 'x')
  nats = await startNatsServer({ port, password: 'another', answer: () => KEPT })
  const { connected } = nats
  await expect.poll(() => connected.length, PATIENCE).toBeGreaterThan(0)
  expect(nats.published).toEqual([])
  await nats.close()
  nats = await startNatsServer({ port, password: 'secret', answer: () => KEPT })
  const { published } = nats
  await expect.poll(() => published.map(keyOf), PATIENCE).toEqual(['one'])
  await nats.close()
  await test.put('two', 'x')
  nats = await startNatsServer({ port, password: 'secret', answer: () => KEPT })
  const again = nats.published
  await expect.poll(() => again.map(keyOf), PATIENCE).toEqual(['two'])
}, 60_000)

it('a connection on which nobody answers is not used again', async () => {
  nats = await startNatsServer({ answer: (_, count) => (count === 1 ? undefined : KEPT) })
  const targets = [{ name: 'jobs', host: `127.0.0.1:${nats.port}`, tls: false, subject: 'jobs' }]
  const publisher = natsPublisher(targets, { credentials: undefined, region: 'us-east-1', timeoutMs: 200 })
  await expect(publisher.deliver(EVENT)).rejects.toThrow('timeout')
  await expect.poll(async () => publisher.deliver(EVENT).then(() => 'taken', String), PATIENCE).toBe('taken')
  expect(nats.connected.length).toBeGreaterThan(1)
  expect(await publisher.deliver({ ...EVENT, target: 'other' }).catch(String)).toContain('there is no NATS target')
  await publisher.close()
})

it('a login that is for TLS is told to nobody without', async () => {
  nats = await startNatsServer({ answer: () => KEPT })
  const targets = [{ name: 'jobs', host: `127.0.0.1:${nats.port}`, tls: true, subject: 'jobs' }]
  const credentials = new Map([['jobs', { user: 'coffer', password: new Secret('secret') }]])
  const publisher = natsPublisher(targets, { credentials, region: 'us-east-1' })
  await expect(publisher.deliver(EVENT)).rejects.toThrow('tls')
  expect(nats.connected).toEqual([])
  await publisher.close()
})

it('a subject is named as what it is', async () => {
  await using test = await houseTelling(1)
  expect(await refusal(notify(test))).toBe('200')
  expect(await refusal(notify(test, 'arn:coffer:sqs::jobs:webhook'))).toBe('400 InvalidArgument')
  expect(await refusal(notify(test, 'arn:coffer:sqs::other:nats'))).toBe('400 InvalidArgument')
})
