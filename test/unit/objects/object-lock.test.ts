import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../../src/objects/buckets.ts'
import { SPACE } from '../../../src/objects/keyspace.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore, Write } from '../../../src/storage/metadata/metadata-store.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'

async function lockedEngine(options: Parameters<typeof testEngine>[0] = {}) {
  const engine = await testEngine(options)
  const bucket = await engine.objects.createBucket({
    ...engine.newBucket,
    versioning: 'Enabled',
    documents: { objectLock: {} },
  })
  return { ...engine, bucket }
}

const put = async (objects: Objects, bucket: Bucket, key = 'k'): Promise<string> =>
  (await objects.put({ bucket, key, body: bodyOf('x'), ...plain })).versionId
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => String(Object(error).code),
  )

describe('a retained version', () => {
  it('is there at the end of its time to the millisecond, and may go then', async () => {
    const { objects, bucket, time } = await lockedEngine()
    const versionId = await put(objects, bucket)
    const target = { bucket, key: 'k', versionId }
    const retention = { mode: 'COMPLIANCE', untilMs: time.nowMs + 1000 } as const
    await objects.setRetention({ ...target, retention, bypassGovernance: false })
    const remove = () => codeOf(objects.delete({ ...target, conditions: {} }))
    time.nowMs += 999
    expect(await remove()).toBe('ObjectLocked')
    time.nowMs += 1
    expect(await remove()).toBe('done')
  })

  it('stays though its deletion began before it was retained', async () => {
    const stored = memoryStore()
    let beforeDeletion: (() => Promise<void>) | undefined
    const isDeletion = (write: Write) => write.type === 'delete' && write.space === SPACE.head
    const metadata = (inner: MetadataStore): MetadataStore => ({
      ...inner,
      commit: async (writes) => {
        if (writes.some(isDeletion)) {
          const act = beforeDeletion
          beforeDeletion = undefined
          await act?.()
        }
        return inner.commit(writes)
      },
    })
    const { objects, bucket, time } = await lockedEngine({ stored, metadata })
    const target = { bucket, key: 'k', versionId: await put(objects, bucket) }
    const retention = { mode: 'GOVERNANCE', untilMs: time.nowMs + 1000 } as const
    beforeDeletion = () => objects.setRetention({ ...target, retention, bypassGovernance: false })
    expect(await codeOf(objects.delete({ ...target, conditions: {} }))).toBe('ObjectLocked')
    using object = await objects.open(target)
    expect(object.properties.lock).toEqual({ mode: 'GOVERNANCE', retainUntilMs: retention.untilMs })
  })

  it('is not replaced either, where it is the null version', async () => {
    const { objects, makeBucket, time } = await testEngine()
    const bucket = await makeBucket()
    const versionId = await put(objects, bucket)
    // As a lock of another kind than Object Lock has it: there is no versioning that would keep what is replaced.
    const lock = { retainUntilMs: time.nowMs + 1000 }
    await objects.changeProperties({ bucket, key: 'k' }, (now) => ({ ...now, lock }))
    expect(await codeOf(put(objects, bucket))).toBe('ObjectLocked')
    await objects.setVersioning(bucket, 'Suspended')
    expect(await codeOf(put(objects, bucket))).toBe('ObjectLocked')
    expect(await codeOf(objects.delete({ bucket, key: 'k', conditions: {} }))).toBe('ObjectLocked')
    expect(await codeOf(objects.delete({ bucket, key: 'k', versionId, conditions: {} }))).toBe('ObjectLocked')
    await objects.setVersioning(bucket, 'Enabled')
    await put(objects, bucket)
    await objects.setVersioning(bucket, 'Suspended')
    // It lies among the other versions now.
    expect(await codeOf(put(objects, bucket))).toBe('ObjectLocked')
    time.nowMs += 1000
    expect(await codeOf(put(objects, bucket))).toBe('done')
  })

  it('keeps its lock through what changes about it', async () => {
    const { objects, bucket, time, kms } = await lockedEngine()
    const target = { bucket, key: 'k', versionId: await put(objects, bucket) }
    await objects.setLegalHold({ ...target, legalHold: true })
    await put(objects, bucket)
    await objects.changeProperties(target, (now) => ({ ...now, tags: [{ key: 'a', value: 'b' }] }))
    const rootKeyCrn = await kms.newRootKey()
    await objects.updateEncryption({ ...target, encryption: 'customer-managed', rootKeyCrn, bucketKey: false })
    time.nowMs += 1e9
    expect(await codeOf(objects.delete({ ...target, conditions: {}, bypassGovernance: true }))).toBe('ObjectLocked')
    await objects.setLegalHold({ ...target, legalHold: false })
    expect(await codeOf(objects.delete({ ...target, conditions: {} }))).toBe('done')
  })
})

describe('Object Lock of a bucket', () => {
  it('and the suspension of its versioning do not both come about', async () => {
    for (let round = 0; round < 10; round++) {
      const { objects, makeBucket } = await testEngine()
      const bucket = await objects.setVersioning(await makeBucket(), 'Enabled')
      const lock = () =>
        objects.changeDocument(bucket, 'objectLock', () => {
          if (objects.buckets.get('bucket').versioning !== 'Enabled') throw new Error('suspended')
          return {}
        })
      const suspend = () => objects.setVersioning(bucket, 'Suspended')
      const works = round % 2 === 0 ? [lock, suspend] : [suspend, lock]
      const outcomes = await Promise.all(works.map((work) => codeOf(work())))
      expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(1)
      const locked = objects.document(bucket, 'objectLock') !== undefined
      expect(objects.buckets.get('bucket').versioning).toBe(locked ? 'Enabled' : 'Suspended')
    }
  })
})

describe('the root key of a bucket with Object Lock, or with protection', () => {
  it('is registered as one that must not be deleted', async () => {
    const registered: unknown[] = []
    const { objects, newBucket, kms } = await testEngine({
      provider: (inner) => ({
        ...inner,
        register: async (call, registration) => {
          registered.push(registration.preventKeyDeletion)
          await inner.register(call, registration)
        },
      }),
    })
    await objects.createBucket({ ...newBucket, name: 'locked', versioning: 'Enabled', documents: { objectLock: {} } })
    const bucket = await objects.createBucket({ ...newBucket, name: 'later' })
    expect(registered).toEqual([true, undefined])
    await objects.changeDocument(bucket, 'tagging', () => [])
    expect(registered).toHaveLength(2)
    const days = { minimumDays: 0, defaultDays: 1, maximumDays: 2, permanent: false }
    await objects.changeDocument(bucket, 'protection', () => days)
    const to = { encryption: 'customer-managed', rootKeyCrn: await kms.newRootKey() } as const
    await objects.moveBucket(bucket, to)
    expect(registered.slice(2, 4)).toEqual([true, true])
    await objects.rewraps.idle()
    // Rewrapped, it is registered again for its new version, and stays so.
    expect(registered.slice(2)).not.toContain(undefined)
    await objects.close()
  })
})
