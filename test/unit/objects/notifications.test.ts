import { describe, expect, it } from 'vitest'
import { SPACE } from '../../../src/objects/keyspace.ts'
import type { QueuedEvent } from '../../../src/objects/notifications/event.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'

const everything = { gte: Buffer.alloc(0), lt: Buffer.alloc(64, 255), limit: 100 }
const queued = async (stored: MetadataStore) => (await stored.range(SPACE.notification, everything)).length
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
