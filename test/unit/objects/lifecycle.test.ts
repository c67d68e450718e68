import { describe, expect, it, vi } from 'vitest'
import { CodedError } from '../../../src/base/errors.ts'
import type { Bucket } from '../../../src/objects/buckets.ts'
import { headKey, SPACE } from '../../../src/objects/keyspace.ts'
import type { LifecycleAct } from '../../../src/objects/lifecycle/act.ts'
import type { LifecycleRule } from '../../../src/objects/lifecycle/rule.ts'
import { stateWrite } from '../../../src/objects/lifecycle/state.ts'
import type { ObjectLock } from '../../../src/objects/object-properties.ts'
import type { AuditErrorCode } from '../../../src/observe/audit-trail.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'

const DAY_MS = 86_400_000
const expire: LifecycleRule = { id: 'x', enabled: true, filter: {}, expiration: { days: 1 } }

async function engineWith(rules: readonly LifecycleRule[]) {
  const engine = await testEngine()
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
