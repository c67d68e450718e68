import { describe, expect, it } from 'vitest'
import { CodedError } from '../../../src/base/errors.ts'
import { SPACE } from '../../../src/objects/keyspace.ts'
import type { QueuedEvent } from '../../../src/objects/notifications/event.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'
import { queuedMessages } from '../../support/outbox.ts'

const queued = async (stored: MetadataStore) => (await queuedMessages(stored, SPACE.notification)).length
const SUBSCRIPTION = { id: 'id', kind: 'queue', arn: 'arn', target: 'hook', events: ['ObjectCreated:*'] } as const
const subscriptions = [SUBSCRIPTION, { ...SUBSCRIPTION, id: 'gone', target: 'removed from the settings' }]

/** Of docs/record-format.md, space 18. */
const ROW = {
  key: Buffer.from('686f6f6b00000001c4a3b1b400000102030405060708090a0b0c0d0e0f', 'hex'),
  head: '{"target":"hook","subscription":"id","bucket":{"name":"bucket","ownerId":"owner"},"timeMs":1700000000000,"event":{"name":"ObjectCreated:Put","key":"key","sizeBytes":1,"etag":"e"},"sequencer":"18BCFE5680000000","iamId":"IBMid","requestId":"R","sourceIp":"::1"}',
}
const rowValue = (): Buffer => {
  const head = Buffer.from(ROW.head, 'utf8')
  const length = Buffer.alloc(4)
  length.writeUInt32BE(head.length)
  return Buffer.concat([Buffer.from([1]), length, head])
}

describe('The queue of notifications', () => {
  it('delivers what an earlier run stored, byte for byte as the format says', async () => {
    const stored = memoryStore()
    await stored.commit([{ type: 'put', space: SPACE.notification, key: ROW.key, value: rowValue() }])
    const told: QueuedEvent[] = []
    const deliver = async (event: QueuedEvent) => void told.push(event)
    const { objects } = await testEngine({ stored, notifications: { targets: ['hook'], deliver } })
    await expect.poll(() => told).toEqual([JSON.parse(ROW.head)])
    await expect.poll(() => queued(stored)).toBe(0)
    await objects.close()
  })

  it('takes an event in the commit that makes it so, and none where that commit fails', async () => {
    const stored = memoryStore()
    const told: QueuedEvent[] = []
    let down = true
    const deliver = async (event: QueuedEvent) => {
      if (down) throw new Error('not now')
      told.push(event)
    }
    const notifications = { targets: ['hook'], deliver, retryMs: 1 }
    const { objects, makeBucket, kms, newBucket, failures } = await testEngine({ stored, notifications })
    const bucket = await makeBucket()
    await objects.changeDocument(bucket, 'notification', () => ({ subscriptions }))
    await objects.put({ bucket, key: 'key', body: bodyOf('x'), ...plain })
    // Nobody would ever fetch what is for a target that is not set up.
    expect(await queued(stored)).toBe(1)
    await expect(
      objects.put({
        bucket,
        key: 'key',
        body: bodyOf('y'),
        attributes: plain.attributes,
        conditions: { ifNoneMatch: '*' },
      }),
    ).rejects.toMatchObject({ code: 'PreconditionFailed' })
    await kms.disable(newBucket.rootKeyCrn)
    await expect(objects.put({ bucket, key: 'other', body: bodyOf('y'), ...plain })).rejects.toThrow()
    expect(await queued(stored)).toBe(1)
    await expect.poll(() => failures.length).toBeGreaterThan(1)
    down = false
    await expect
      .poll(() => told)
      .toMatchObject([{ subscription: 'id', event: { name: 'ObjectCreated:Put', key: 'key' } }])
    await expect.poll(() => queued(stored)).toBe(0)
    await objects.close()
  })

  it('keeps nothing waiting for an event that is refused but what comes later of the same object', async () => {
    const stored = memoryStore()
    const told: string[] = []
    let refused = 0
    let poisonous = true
    const deliver = async ({ event }: QueuedEvent) => {
      if (poisonous && event?.key.startsWith('poison')) {
        refused++
        throw new Error('not this one')
      }
      told.push(`${event?.key} ${event?.etag}`)
    }
    const notifications = { targets: ['hook'], deliver, retryMs: 5 }
    const { objects, makeBucket, newBucket } = await testEngine({ stored, notifications })
    const bucket = await makeBucket()
    const other = await objects.createBucket({ ...newBucket, name: 'other' })
    for (const of of [bucket, other]) {
      await objects.changeDocument(of, 'notification', () => ({ subscriptions: [SUBSCRIPTION] }))
    }
    // More than are told at a time, and than are asked for of a target that is away.
    const POISON = 250
    const etags: string[] = []
    for (let n = 0; n < POISON; n++) await objects.put({ bucket, key: `poison${n}`, body: bodyOf('x'), ...plain })
    for (const body of ['one', 'two', 'three']) {
      const { etag } = await objects.put({ bucket, key: 'poison0', body: bodyOf(body), ...plain })
      etags.push(etag)
    }
    for (let n = 0; n < 20; n++) await objects.put({ bucket: other, key: `good${n}`, body: bodyOf('x'), ...plain })
    await expect.poll(() => told.length, { timeout: 10_000 }).toBe(20)
    await expect.poll(() => refused, { timeout: 10_000 }).toBeGreaterThan(100)
    expect(await queued(stored)).toBe(POISON + 3)
    poisonous = false
    await expect.poll(() => queued(stored), { timeout: 20_000 }).toBe(0)
    const ofFirst = told.filter((one) => one.startsWith('poison0 ')).map((one) => one.split(' ')[1])
    expect(ofFirst.slice(1)).toEqual(etags)
    await objects.close()
  })

  it('tells at once of what is new while something old is held back', async () => {
    const told: string[] = []
    const deliver = async ({ event }: QueuedEvent) => {
      if (event?.key === 'poison') throw new Error('not this one')
      told.push(event?.key ?? '')
    }
    const notifications = { targets: ['hook'], deliver, retryMs: 3_600_000 }
    const { objects, makeBucket, failures } = await testEngine({ notifications })
    const bucket = await makeBucket()
    await objects.changeDocument(bucket, 'notification', () => ({ subscriptions: [SUBSCRIPTION] }))
    await objects.put({ bucket, key: 'poison', body: bodyOf('x'), ...plain })
    await expect.poll(() => failures.length).toBe(1)
    for (const key of ['a', 'b', 'a']) {
      await objects.put({ bucket, key, body: bodyOf('x'), ...plain })
      await expect.poll(() => told.at(-1)).toBe(key)
    }
    await objects.close()
  })

  it('drops what cannot be read, and tells of the rest', async () => {
    const told: string[] = []
    const damaged = Buffer.concat([Buffer.from('hook\0'), Buffer.alloc(24)])
    const deliver = async ({ event }: QueuedEvent) => void told.push(event?.key ?? '')
    const { objects, makeBucket, failures } = await testEngine({
      notifications: { targets: ['hook'], deliver },
      metadata: (inner) => {
        let there = true
        const holds = (space: number, { gte, lt }: { gte: Buffer; lt: Buffer }) =>
          there && space === SPACE.notification && gte.compare(damaged) <= 0 && lt.compare(damaged) > 0
        return {
          ...inner,
          range: async (space, range) => {
            if (!holds(space, range)) return inner.range(space, range)
            const details = { space, row: damaged.toString('hex'), token: 'token' }
            throw new CodedError('MetadataCorrupt', 'it does not authenticate', { details })
          },
          commit: async (writes) => {
            if (writes.some((write) => write.key.equals(damaged))) there = false
            return inner.commit(writes)
          },
        }
      },
    })
    const bucket = await makeBucket()
    await objects.changeDocument(bucket, 'notification', () => ({ subscriptions: [SUBSCRIPTION] }))
    await objects.put({ bucket, key: 'key', body: bodyOf('x'), ...plain })
    await expect.poll(() => told).toEqual(['key'])
    expect(failures.map(String)).toEqual([expect.stringContaining('cannot be read')])
    await objects.close()
  })

  it('keeps what is for a target that is not set up any more for a week, and then drops it, and says so', async () => {
    const stored = memoryStore()
    const away = { targets: ['gone', 'hook', 'stays'], deliver: () => Promise.reject(new Error('not now')) }
    const first = await testEngine({ stored, notifications: away })
    const bucket = await first.makeBucket()
    const subscribed = (target: string) => ({ ...SUBSCRIPTION, id: target, target })
    await first.objects.changeDocument(bucket, 'notification', () => ({ subscriptions: away.targets.map(subscribed) }))
    const { nowMs } = first.time
    for (const days of [0, 6]) {
      first.time.nowMs = nowMs + days * 86_400_000
      await first.objects.put({ bucket, key: 'key', body: bodyOf('x'), ...plain })
    }
    await first.objects.close()
    expect(await queued(stored)).toBe(6)

    const later = async (ms: number, lease: string, targets: readonly string[]) => {
      const told: string[] = []
      const deliver = async ({ target }: QueuedEvent) => void told.push(target)
      const engine = await testEngine({ stored, lease, kms: first.kms, notifications: { targets, deliver }, nowMs: ms })
      await expect.poll(() => told.length).toBe(targets.length * 2)
      await engine.objects.close()
      return engine.failures.map(String)
    }
    expect(await later(nowMs + 6 * 86_400_000, '1'.repeat(16), ['stays'])).toEqual([])
    expect(await queued(stored)).toBe(4)
    const dropped = 'were dropped: it is not set up any more'
    expect(await later(nowMs + 8 * 86_400_000, '2'.repeat(16), [])).toEqual([
      `Error: 1 events for the notification target gone ${dropped}`,
      `Error: 1 events for the notification target hook ${dropped}`,
    ])
    expect(await queued(stored)).toBe(2)
  })

  it('drops what nobody has taken for a week, and says so', async () => {
    const stored = memoryStore()
    await stored.commit([{ type: 'put', space: SPACE.notification, key: ROW.key, value: rowValue() }])
    const deliver = () => Promise.reject(new Error('not now'))
    const engine = testEngine({ stored, notifications: { targets: ['hook'], deliver, retryMs: 1 } })
    const { objects, time, failures } = await engine
    await expect.poll(() => failures.length).toBeGreaterThan(1)
    expect(await queued(stored)).toBe(1)
    time.nowMs += 8 * 86_400_000
    await expect.poll(() => queued(stored)).toBe(0)
    expect(failures.map(String).at(-1)).toContain('was dropped')
    await objects.close()
  })
})
