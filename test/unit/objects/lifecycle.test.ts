import { describe, expect, it, vi } from 'vitest'
import { CodedError } from '../../../src/base/errors.ts'
import type { Bucket } from '../../../src/objects/buckets.ts'
import { headKey, SPACE } from '../../../src/objects/keyspace.ts'
import type { LifecycleAct } from '../../../src/objects/lifecycle/act.ts'
import type { LifecycleRule } from '../../../src/objects/lifecycle/rule.ts'
import { stateWrite } from '../../../src/objects/lifecycle/state.ts'
import type { ObjectLock } from '../../../src/objects/object-properties.ts'
import type { AuditErrorCode } from '../../../src/observe/audit-trail.ts'
import { bodyOf, plain, readAll, type TestEngineOptions, testEngine } from '../../support/engine.ts'
import { memoryBlobStore } from '../../support/fakes/memory-blob-store.ts'

const DAY_MS = 86_400_000
const expire: LifecycleRule = { id: 'x', enabled: true, filter: {}, expiration: { days: 1 } }

async function engineWith(rules: readonly LifecycleRule[], options: TestEngineOptions = {}) {
  const engine = await testEngine(options)
  const bucket = await engine.makeBucket()
  const { objects } = engine
  await objects.changeDocument(bucket, 'lifecycle', () => ({ rules }))
  const keys = async (of: Bucket) => {
    const query = { bucket: of, prefix: '', delimiter: '', after: '', limit: 1000 }
    return (await objects.list(query)).items.map(({ key }) => key)
  }
  const put = (key: string, more: Partial<Parameters<typeof objects.put>[0]> = {}) =>
    objects.put({ bucket, key, body: bodyOf('x'), ...plain, ...more })
  const lock = (key: string, of: ObjectLock) =>
    objects.changeProperties({ bucket, key }, (now) => ({ ...now, lock: of }))
  return { ...engine, bucket, put, lock, keys: () => keys(bucket) }
}

describe('The lifecycle rules of a bucket', () => {
  it('go on where an earlier run stopped, and then begin again', async () => {
    const { objects, stored, time, bucket, put, keys } = await engineWith([expire])
    for (const key of ['a', 'b', 'c']) await put(key)
    time.nowMs += 2 * DAY_MS
    const cursor = { space: SPACE.head, after: headKey(bucket.id, 'a') }
    await objects.lifecycle.pass()
    expect(await keys()).toEqual([])
    for (const key of ['a', 'b', 'c']) await put(key)
    time.nowMs += 2 * DAY_MS
    await objects.close()
    const again = await testEngine({ stored, lease: '1'.repeat(16) })
    again.time.nowMs = time.nowMs
    await stored.commit([stateWrite(bucket.id, { startedAtMs: time.nowMs, cursor })])
    await again.objects.lifecycle.pass()
    const left = async () =>
      (await again.objects.list({ bucket, prefix: '', delimiter: '', after: '', limit: 10 })).items.map(
        ({ key }) => key,
      )
    expect(await left()).toEqual(['a'])
    await again.objects.lifecycle.pass()
    expect(await left()).toEqual([])
    await again.objects.close()
  })

  it('delete in a locked bucket what needs no key to be judged, and the rest when it is open', async () => {
    const tagged: LifecycleRule = { ...expire, id: 'tags', filter: { prefix: 't', tags: [['a', 'b']] } }
    const prefixed: LifecycleRule = { ...expire, filter: { prefix: 'p' } }
    const { objects, time, failures, kms, newBucket, put, keys } = await engineWith([tagged, prefixed])
    await put('p')
    await put('t', { properties: { tags: [{ key: 'a', value: 'b' }] } })
    time.nowMs += 2 * DAY_MS
    await kms.disable(newBucket.rootKeyCrn)
    await objects.lifecycle.pass()
    expect(await keys()).toEqual(['t'])
    expect(failures).toMatchObject([{ code: 'RootKeyDisabled' }])
    await kms.enable(newBucket.rootKeyCrn)
    await objects.lifecycle.pass()
    expect(await keys()).toEqual([])
  })

  it('leave what is retained or held', async () => {
    const { objects, time, put, lock, keys } = await engineWith([expire])
    for (const key of ['retained', 'held', 'free']) await put(key)
    await lock('retained', { mode: 'COMPLIANCE', retainUntilMs: time.nowMs + 3 * DAY_MS })
    await lock('held', { legalHold: true })
    time.nowMs += 2 * DAY_MS
    await objects.lifecycle.pass()
    expect(await keys()).toEqual(['held', 'retained'])
    time.nowMs += 2 * DAY_MS
    await objects.lifecycle.pass()
    expect(await keys()).toEqual(['held'])
  })

  it('are looked at once a day, and when they change, also after a restart', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const first = await engineWith([{ ...expire, filter: { prefix: 'a' } }])
      const { stored, time, bucket } = first
      for (const key of ['a1', 'b1']) await first.put(key)
      time.nowMs += 2 * DAY_MS
      await first.objects.lifecycle.pass()
      await first.objects.close()
      const { objects, time: now } = await testEngine({ stored, lease: '1'.repeat(16) })
      now.nowMs = time.nowMs
      const query = { bucket, prefix: '', delimiter: '', after: '', limit: 10 }
      const keys = async () => (await objects.list(query)).items.map(({ key }) => key)
      await objects.changeDocument(bucket, 'lifecycle', () => ({ rules: [{ ...expire, filter: { prefix: 'b' } }] }))
      expect(await keys()).toEqual(['b1'])
      vi.advanceTimersByTime(60_000)
      await expect.poll(keys).toEqual([])
      await objects.close()
    } finally {
      vi.useRealTimers()
    }
  })

  it('are looked at again when the clock has stood ahead and is right again', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const { objects, time, put, keys } = await engineWith([expire])
      const rightMs = time.nowMs
      time.nowMs = rightMs + 365 * DAY_MS
      await objects.lifecycle.pass()
      time.nowMs = rightMs
      await put('key')
      time.nowMs = rightMs + 2 * DAY_MS
      vi.advanceTimersByTime(60_000)
      await expect.poll(keys).toEqual([])
      await objects.close()
    } finally {
      vi.useRealTimers()
    }
  })

  describe.each(['removed', 'disabled', 'replaced'] as const)('that are %s while they are followed', (how) => {
    const other: LifecycleRule = { ...expire, id: 'other', filter: { prefix: 'none' } }
    const next = {
      removed: undefined,
      disabled: { rules: [{ ...expire, enabled: false }] },
      replaced: { rules: [other] },
    }
    /** After the first act the rules are others, before the pace allows a second one. */
    async function changedAfterOne(rules: readonly LifecycleRule[], options: TestEngineOptions = {}) {
      const acts: string[] = []
      let change = (): unknown => undefined
      const onAct = ({ action, key }: LifecycleAct) => {
        if (acts.push(`${action} ${key}`) === 1) change()
      }
      const engine = await engineWith(rules, { ...options, lifecycle: { onAct, perSecond: 20 } })
      change = () => void engine.objects.changeDocument(engine.bucket, 'lifecycle', () => next[how])
      return { ...engine, acts }
    }

    it('delete nothing more', async () => {
      const { objects, time, put, keys, acts } = await changedAfterOne([expire])
      for (let n = 0; n < 5; n++) await put(`key${n}`)
      time.nowMs += 2 * DAY_MS
      await objects.lifecycle.pass()
      expect(acts).toEqual(['store.lifecycle-expire key0'])
      expect(await keys()).toEqual(['key1', 'key2', 'key3', 'key4'])
    })

    it('remove no further version', async () => {
      const rule: LifecycleRule = { id: 'n', enabled: true, filter: {}, noncurrentExpiration: { days: 1 } }
      const { objects, time, bucket, put, acts } = await changedAfterOne([rule])
      await objects.setVersioning(bucket, 'Enabled')
      for (let n = 0; n < 4; n++) await put('key')
      time.nowMs += 3 * DAY_MS
      await objects.lifecycle.pass()
      expect(acts).toHaveLength(1)
      const query = { bucket, prefix: '', delimiter: '', keyMarker: '', versionIdMarker: '', limit: 10 }
      expect((await objects.listVersions(query)).items).toHaveLength(3)
    })

    it('move and abort nothing more', async () => {
      const transitions = [{ days: 1, storageClass: 'COLD' }]
      const storageClasses = new Map([['COLD', memoryBlobStore('c'.repeat(16))]])
      const moving: LifecycleRule = { id: 'm', enabled: true, filter: {}, transitions, abortUploadDays: 1 }
      const moved = await changedAfterOne([moving], { storageClasses })
      for (const key of ['a', 'b']) await moved.put(key)
      moved.time.nowMs += 3 * DAY_MS
      await moved.objects.lifecycle.pass()
      expect(moved.acts).toEqual(['store.lifecycle-transition a'])
      const aborted = await changedAfterOne([moving])
      const { bucket, objects } = aborted
      for (const key of ['a', 'b']) await objects.createUpload({ bucket, key, attributes: plain.attributes })
      aborted.time.nowMs += 3 * DAY_MS
      await objects.lifecycle.pass()
      expect(aborted.acts).toEqual(['store.lifecycle-abort-upload a'])
    })
  })

  it('leave an object as it is when they go while its bytes are copied', async () => {
    const transitions = [{ days: 1, storageClass: 'COLD' }]
    const disk = new Map<string, Buffer>()
    const cold = memoryBlobStore('c'.repeat(16), disk)
    let copying = async (): Promise<unknown> => undefined
    const slow = {
      ...cold,
      put: async (...of: Parameters<typeof cold.put>) => {
        const info = await cold.put(...of)
        await copying()
        return info
      },
    }
    const rule: LifecycleRule = { id: 'm', enabled: true, filter: {}, transitions }
    const { objects, bucket, time, put } = await engineWith([rule], { storageClasses: new Map([['COLD', slow]]) })
    await put('key', { body: bodyOf('x'.repeat(100_000)) })
    copying = () => objects.changeDocument(bucket, 'lifecycle', () => undefined)
    time.nowMs += 3 * DAY_MS
    await objects.lifecycle.pass()
    await expect.poll(() => disk.size).toBe(0)
    expect(await readAll(objects, bucket, 'key')).toHaveLength(100_000)
  })

  it('look at every other object when the bytes of one are gone, and say so once', async () => {
    const disk = new Map<string, Buffer>()
    const transitions = [{ days: 1, storageClass: 'COLD' }]
    const rule: LifecycleRule = { id: 'm', enabled: true, filter: {}, transitions }
    const cold = new Map<string, Buffer>()
    const storageClasses = new Map([['COLD', memoryBlobStore('c'.repeat(16), cold)]])
    const engine = await engineWith([rule, { ...expire, filter: { prefix: 'z' } }], { disk, storageClasses })
    const { objects, time, put, keys, failures } = engine
    for (const key of ['a', 'b']) await put(key, { body: bodyOf('x'.repeat(100_000)) })
    disk.clear()
    for (const key of ['c', 'z']) await put(key, { body: bodyOf('x'.repeat(100_000)) })
    time.nowMs += 3 * DAY_MS
    await objects.lifecycle.pass()
    expect(await keys()).toEqual(['a', 'b', 'c'])
    expect(cold.size).toBe(1)
    expect(failures).toMatchObject([{ code: 'BlobMissing' }])
  })

  it('do nothing that could not be recorded', async () => {
    let full = true
    const told: string[] = []
    const audit = {
      ready: () => {
        if (full) throw new CodedError<AuditErrorCode>('AuditUnavailable', 'the disk is full')
      },
      record: ({ action, key, rule }: LifecycleAct) => void told.push([action, key, rule].join(' ')),
      settled: async () => {},
    }
    const { objects, makeBucket, time, failures } = await testEngine({ lifecycle: { audit } })
    const bucket = await makeBucket()
    await objects.changeDocument(bucket, 'lifecycle', () => ({ rules: [expire] }))
    await objects.put({ bucket, key: 'key', body: bodyOf('x'), ...plain })
    time.nowMs += 2 * DAY_MS
    await objects.lifecycle.pass()
    expect(failures).toMatchObject([{ code: 'AuditUnavailable' }])
    expect(await objects.known({ bucket, key: 'key' })).toBeDefined()
    full = false
    await objects.lifecycle.pass()
    expect(await objects.known({ bucket, key: 'key' })).toBeUndefined()
    expect(told).toEqual(['store.lifecycle-expire key x'])
  })

  describe('where there are versions', () => {
    async function versioned(rules: readonly LifecycleRule[]) {
      const engine = await engineWith(rules)
      const bucket = await engine.objects.setVersioning(engine.bucket, 'Enabled')
      const { objects, time } = engine
      /** Of each key its versions from the newest on: `v`, or `x` for a delete marker; upper case for the current one. */
      const shape = async () => {
        const query = { bucket, prefix: '', delimiter: '', keyMarker: '', versionIdMarker: '', limit: 1000 }
        const shapes: Record<string, string> = {}
        for (const { key, deleteMarker, isLatest } of (await objects.listVersions(query)).items) {
          const letter = deleteMarker ? 'x' : 'v'
          shapes[key] = (shapes[key] ?? '') + (isLatest ? letter.toUpperCase() : letter)
        }
        return shapes
      }
      const passAfter = async (days: number) => {
        time.nowMs += days * DAY_MS
        await objects.lifecycle.pass()
        return shape()
      }
      const remove = (key: string) => objects.delete({ bucket, key, conditions: {} })
      return { ...engine, bucket, shape, passAfter, remove }
    }
    const noncurrent = (days: number, newerVersions?: number): LifecycleRule => {
      const noncurrentExpiration = newerVersions === undefined ? { days } : { days, newerVersions }
      return { id: 'n', enabled: true, filter: {}, noncurrentExpiration }
    }

    it('hide an object that expires behind a delete marker', async () => {
      const { put, passAfter } = await versioned([expire])
      await put('key')
      expect(await passAfter(2)).toEqual({ key: 'Xv' })
      expect(await passAfter(2)).toEqual({ key: 'Xv' })
    })

    it('remove versions so many days after the next one came, whatever their age', async () => {
      const { put, remove, passAfter, time } = await versioned([noncurrent(3)])
      await put('old')
      await put('deleted')
      time.nowMs += 30 * DAY_MS
      await put('old')
      await remove('deleted')
      expect(await passAfter(2)).toEqual({ deleted: 'Xv', old: 'Vv' })
      expect(await passAfter(2)).toEqual({ deleted: 'X', old: 'V' })
      expect(await passAfter(200)).toEqual({ deleted: 'X', old: 'V' })
    })

    it('leave so many of the newer versions', async () => {
      const { put, remove, passAfter } = await versioned([noncurrent(1, 2)])
      for (let n = 0; n < 6; n++) await put('key')
      for (let n = 0; n < 2; n++) await put('few')
      await put('hidden')
      await remove('hidden')
      expect(await passAfter(2)).toEqual({ few: 'Vv', hidden: 'Xv', key: 'Vvv' })
    })

    it('ask for the tags and sizes of each version', async () => {
      const filter = { tags: [['a', 'b']] as const, largerThan: 1 }
      const { put, passAfter } = await versioned([{ ...noncurrent(1), filter }])
      const properties = { tags: [{ key: 'a', value: 'b' }] }
      await put('key')
      await put('key', { body: bodyOf('xx'), properties })
      await put('key', { properties })
      await put('key', { body: bodyOf('xx') })
      await put('key')
      expect(await passAfter(2)).toEqual({ key: 'Vvvv' })
    })

    it('remove delete markers behind which nothing is left, at once or after days', async () => {
      const atOnce: LifecycleRule = { ...expire, filter: { prefix: 'a' }, expiration: { expiredDeleteMarker: true } }
      const { put, remove, passAfter } = await versioned([
        { ...noncurrent(2), filter: { prefix: 'a' } },
        atOnce,
        { ...expire, filter: { prefix: 'b' }, expiration: { days: 3 } },
      ])
      for (const key of ['a', 'b', 'c']) {
        await put(key)
        await remove(key)
      }
      await remove('b-alone')
      await remove('c-alone')
      const rest = { 'c-alone': 'X', b: 'Xv', c: 'Xv' }
      expect(await passAfter(1)).toEqual({ ...rest, a: 'Xv', 'b-alone': 'X' })
      expect(await passAfter(2)).toEqual({ ...rest, a: 'X', 'b-alone': 'X' })
      expect(await passAfter(1)).toEqual(rest)
    })

    it('leave versions that are retained or held, and hide the current one all the same', async () => {
      const { put, lock, passAfter, time } = await versioned([noncurrent(1), expire])
      for (const key of ['held', 'retained']) await put(key)
      await lock('held', { legalHold: true })
      await lock('retained', { mode: 'GOVERNANCE', retainUntilMs: time.nowMs + 9 * DAY_MS })
      await passAfter(2)
      expect(await passAfter(2)).toEqual({ held: 'Xv', retained: 'Xv' })
      expect(await passAfter(6)).toEqual({ held: 'Xv', retained: 'X' })
      expect(await passAfter(1)).toEqual({ held: 'Xv' })
    })
  })
})
