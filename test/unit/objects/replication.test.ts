import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CodedError } from '../../../src/base/errors.ts'
import type { Json } from '../../../src/objects/bucket-document.ts'
import type { Bucket } from '../../../src/objects/buckets.ts'
import { SPACE } from '../../../src/objects/keyspace.ts'
import type { LifecycleRule } from '../../../src/objects/lifecycle/rule.ts'
import type { ReplicationConfiguration, ReplicationRule } from '../../../src/objects/replication/configuration.ts'
import { replicationStatus } from '../../../src/objects/replication/status.ts'
import type { ReplicationTarget } from '../../../src/objects/replication/target.ts'
import type { BlobStore } from '../../../src/storage/blob/blob-store.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { bodyOf, plain, type TestEngineOptions, testEngine } from '../../support/engine.ts'
import { queuedMessages } from '../../support/outbox.ts'

const queued = async (stored: MetadataStore) => (await queuedMessages(stored, SPACE.replication)).length
const PATIENCE = { timeout: 20_000 }
const DAY_MS = 86_400_000
const EVERYTHING = { gte: Buffer.alloc(0), lt: Buffer.alloc(64, 255), limit: 100 }
const CONFIGURATION: ReplicationConfiguration = {
  orderedBy: 'somebody',
  rules: [
    {
      ...{ id: 'rule', enabled: true, priority: 1, filter: { tags: [] }, deleteMarkers: true },
      destination: { arn: 'arn:coffer:s3::dr:there', bucket: 'there', target: 'dr' },
    },
  ],
}

/** Takes everything, unless `refuses` says otherwise. */
function fakeTarget(refuses: (key: string) => Error | undefined = () => undefined) {
  const took: string[] = []
  const take = (key: string, what: string): void => {
    const error = refuses(key)
    if (error) throw error
    took.push(`${what} ${key}`)
  }
  const target: ReplicationTarget = {
    keepsIds: true,
    put: async ({ key, read, manifest, versionId }) => {
      const chunks: Buffer[] = []
      for await (const chunk of read({ start: 0, end: manifest.sizeBytes })) chunks.push(Buffer.from(chunk))
      take(key, Buffer.concat(chunks).toString())
      return `there ${versionId}`
    },
    putMarker: async ({ key }) => take(key, 'marker'),
    change: async (versionId, { key, tags, held }) => {
      take(key, `${versionId} ${tags.map((tag) => tag.value)}`)
      return held
    },
    isRefusal: (error) => error instanceof Error && error.message === 'refused',
  }
  return { took, target }
}

async function replicated(target: ReplicationTarget | undefined, options: TestEngineOptions = {}) {
  const stored = options.stored ?? memoryStore()
  const targets = new Map(target ? [['dr', target]] : [])
  const engine = await testEngine({
    ...options,
    stored,
    replication: { targets, rights: async () => undefined, retryMs: 1 },
  })
  const { objects } = engine
  const made = objects.buckets.find('bucket') ?? (await engine.makeBucket())
  const bucket = await objects.setVersioning(made, 'Enabled')
  await objects.changeDocument(bucket, 'replication', () => CONFIGURATION as unknown as Json)
  const put = (key: string, text: string, more = {}) =>
    objects.put({ bucket, key, body: bodyOf(text), ...plain, ...more })
  const status = async (key: string, versionId?: string) =>
    replicationStatus((await objects.known({ bucket, key, versionId }))?.replication)
  return { ...engine, stored, bucket, put, status }
}

describe('The queue of replication', () => {
  it('takes a version in the commit that makes it, and none where that commit fails', async () => {
    const { took, target } = fakeTarget(() => new Error('away'))
    const { objects, stored, bucket, put, status, kms, newBucket } = await replicated(target)
    await put('key', 'x')
    expect(await queued(stored)).toBe(1)
    expect(await status('key')).toBe('PENDING')
    const conditions = { ifNoneMatch: '*' }
    await expect(put('key', 'y', { conditions })).rejects.toMatchObject({ code: 'PreconditionFailed' })
    await kms.disable(newBucket.rootKeyCrn)
    await expect(objects.put({ bucket, key: 'other', body: bodyOf('y'), ...plain })).rejects.toThrow()
    expect(await queued(stored)).toBe(1)
    expect(took).toEqual([])
    await objects.close()
  })

  it('delivers what an earlier run stored, versions of a key in their order, and forgets what is gone', async () => {
    const away = fakeTarget(() => new Error('away'))
    const first = await replicated(away.target)
    for (const text of ['one', 'two', 'three']) await first.put('key', text)
    const { versionId } = await first.put('gone', 'x')
    await first.objects.delete({ bucket: first.bucket, key: 'gone', versionId, conditions: {} })
    await first.objects.delete({ bucket: first.bucket, key: 'key', conditions: {} })
    await first.objects.close()
    const { took, target } = fakeTarget()
    const { stored, disk, kms } = first
    const again = await replicated(target, { stored, disk, kms, lease: '1'.repeat(16) })
    await expect.poll(() => queued(stored), PATIENCE).toBe(0)
    expect(took).toEqual(['one key', 'two key', 'three key', 'marker key'])
    await again.objects.close()
  })

  it('says FAILED while it is refused, PENDING while nobody answers, and COMPLETED in the end', async () => {
    let word = 'away'
    const { took, target } = fakeTarget(() => (word === '' ? undefined : new Error(word)))
    const { objects, put, status, failures } = await replicated(target)
    await put('key', 'x')
    await expect.poll(() => failures.length, PATIENCE).toBeGreaterThan(2)
    expect(await status('key')).toBe('PENDING')
    word = 'refused'
    await expect.poll(() => status('key'), PATIENCE).toBe('FAILED')
    word = ''
    await expect.poll(() => status('key'), PATIENCE).toBe('COMPLETED')
    expect(took).toEqual(['x key'])
    await objects.close()
  })

  it.each([true, false])(
    'keeps a delete marker that is refused, and the order of versions (ids kept: %s)',
    async (ids) => {
      let refuses = true
      const { took, target } = fakeTarget()
      const putMarker: ReplicationTarget['putMarker'] = async (...of) => {
        if (refuses) throw new Error('refused')
        await target.putMarker(...of)
      }
      const { objects, stored, bucket, put, status, failures } = await replicated({
        ...target,
        keepsIds: ids,
        putMarker,
      })
      await put('key', 'one')
      await expect.poll(() => status('key'), PATIENCE).toBe('COMPLETED')
      await objects.delete({ bucket, key: 'key', conditions: {} })
      await put('key', 'two')
      await expect.poll(() => failures.length, PATIENCE).toBeGreaterThan(0)
      if (ids) await expect.poll(() => status('key'), PATIENCE).toBe('COMPLETED')
      else await expect.poll(() => status('key'), PATIENCE).toBe('FAILED')
      refuses = false
      await expect.poll(() => queued(stored), PATIENCE).toBe(0)
      expect(took).toEqual(ids ? ['one key', 'two key', 'marker key'] : ['one key', 'marker key', 'two key'])
      await objects.close()
    },
  )

  it('tells of a delete marker that nobody took for a week', async () => {
    const { target } = fakeTarget(() => new Error('refused'))
    const { objects, stored, bucket, failures, time } = await replicated(target)
    await objects.delete({ bucket, key: 'key', conditions: {} })
    await expect.poll(() => failures.length, PATIENCE).toBeGreaterThan(0)
    time.nowMs += 8 * DAY_MS
    await expect.poll(() => queued(stored), PATIENCE).toBe(0)
    expect(failures.map(String).at(-1)).toContain('was dropped: nobody took it')
    await objects.close()
  })

  it('gives up after a week', async () => {
    const { target } = fakeTarget(() => new Error('away'))
    const { objects, stored, put, status, time } = await replicated(target)
    await put('key', 'x')
    time.nowMs += 8 * DAY_MS
    await expect.poll(() => queued(stored), PATIENCE).toBe(0)
    expect(await status('key')).toBe('FAILED')
    await objects.close()
  })

  it('promises nothing to a target that is not set up', async () => {
    const { objects, stored, put, status } = await replicated(undefined)
    await put('key', 'x')
    expect(await status('key')).toBe('FAILED')
    expect(await queued(stored)).toBe(0)
    await objects.close()
  })

  it('ends with its configuration', async () => {
    const { took, target } = fakeTarget(() => new Error('away'))
    const { objects, stored, bucket, put, status } = await replicated(target)
    await put('key', 'x')
    await objects.changeDocument(bucket, 'replication', () => undefined)
    await expect.poll(() => queued(stored), PATIENCE).toBe(0)
    expect([took, await status('key')]).toEqual([[], 'FAILED'])
    await objects.close()
  })

  /** To the same target; by default, to another bucket of it. */
  const changed = (more: Partial<ReplicationRule> = {}, bucket = 'elsewhere') => {
    const [rule] = CONFIGURATION.rules
    if (!rule) throw new Error('no rule')
    const destination = { ...rule.destination, arn: `arn:coffer:s3::dr:${bucket}`, bucket }
    return { ...CONFIGURATION, rules: [{ ...rule, destination, ...more }] } as unknown as Json
  }
  const TAGGED = { filter: { tags: [{ key: 'class', value: 'public' }] } } as const

  it('leaves a version alone that is done where its configuration led before', async () => {
    const { took, target } = fakeTarget()
    const { objects, stored, bucket, put, status } = await replicated(target)
    await put('key', 'x')
    await expect.poll(() => status('key'), PATIENCE).toBe('COMPLETED')
    await objects.changeDocument(bucket, 'replication', () => changed())
    await objects.changeProperties({ bucket, key: 'key' }, (now) => ({ ...now, tags: [{ key: 'k', value: 'v' }] }))
    expect([await status('key'), await queued(stored)]).toEqual(['COMPLETED', 0])
    expect(took).toEqual(['x key'])
    await objects.close()
  })

  it('leaves a change behind when its configuration leads elsewhere meanwhile, and says so', async () => {
    let away = false
    const { target } = fakeTarget(() => (away ? new Error('away') : undefined))
    const { objects, stored, bucket, put, status } = await replicated(target)
    await put('key', 'x')
    await expect.poll(() => status('key'), PATIENCE).toBe('COMPLETED')
    away = true
    await objects.changeProperties({ bucket, key: 'key' }, (now) => ({ ...now, tags: [{ key: 'k', value: 'v' }] }))
    expect(await status('key')).toBe('PENDING')
    await objects.changeDocument(bucket, 'replication', () => changed())
    await expect.poll(() => queued(stored), PATIENCE).toBe(0)
    expect(await status('key')).toBe('FAILED')
    await objects.close()
  })

  it('does not send what a rule excludes by then, though it goes to the same place', async () => {
    let away = true
    const { took, target } = fakeTarget(() => (away ? new Error('away') : undefined))
    const { objects, stored, bucket, put, status } = await replicated(target)
    await put('secret', 'x')
    await put('public', 'x', { properties: { tags: TAGGED.filter.tags } })
    await objects.delete({ bucket, key: 'gone', conditions: {} })
    await objects.changeDocument(bucket, 'replication', () => changed(TAGGED, 'there'))
    away = false
    await expect.poll(() => queued(stored), PATIENCE).toBe(0)
    expect([took, await status('secret')]).toEqual([['x public'], 'FAILED'])
    await objects.close()
  })

  it('sends what a rule took by the tags that it had, and changes of them', async () => {
    let away = true
    const { took, target } = fakeTarget(() => (away ? new Error('away') : undefined))
    const { objects, stored, bucket, put, status } = await replicated(target)
    await objects.changeDocument(bucket, 'replication', () => changed(TAGGED, 'there'))
    const { versionId } = await put('key', 'x', { properties: { tags: TAGGED.filter.tags } })
    await objects.changeProperties({ bucket, key: 'key' }, (now) => ({ ...now, tags: [{ key: 'k', value: 'v' }] }))
    away = false
    await expect.poll(() => queued(stored), PATIENCE).toBe(0)
    expect([took, await status('key')]).toEqual([['x key', `there ${versionId} v key`], 'COMPLETED'])
    await objects.close()
  })

  it('tells what has changed since it was told, be it meanwhile, and nothing else', async () => {
    const { target } = fakeTarget()
    const told: (readonly [changed: readonly string[], held: boolean])[] = []
    const meanwhile: (() => Promise<unknown>)[] = []
    const change: ReplicationTarget['change'] = async (_, { changed, held, lock }) => {
      told.push([changed, held])
      await meanwhile.shift()?.()
      return lock?.legalHold === true
    }
    const { objects, stored, bucket, put, status } = await replicated({ ...target, change })
    const of = { bucket, key: 'key' }
    const tag = (value: string) => objects.changeProperties(of, (now) => ({ ...now, tags: [{ key: 'k', value }] }))
    const hold = (legalHold: boolean) =>
      objects.changeProperties(of, (now) => ({ ...now, lock: { ...now.lock, legalHold } }))
    const settled = async () => {
      await expect.poll(() => queued(stored), PATIENCE).toBe(0)
      expect(await status('key')).toBe('COMPLETED')
      return told.splice(0)
    }
    await put('key', 'x')
    expect(await settled()).toEqual([])
    meanwhile.push(() => hold(true))
    await tag('a')
    expect(await settled()).toEqual([
      [['tags'], false],
      [['hold'], false],
    ])
    await tag('b')
    expect(await settled()).toEqual([[['tags'], true]])
    await hold(false)
    expect(await settled()).toEqual([[['hold'], true]])
    await tag('c')
    expect(await settled()).toEqual([[['tags'], false]])
    await objects.close()
  })

  it('tells everything of a version that an earlier release left behind', async () => {
    let away = false
    const { target } = fakeTarget()
    const told: (readonly string[])[] = []
    const change: ReplicationTarget['change'] = async (_, { changed }) => {
      if (away) throw new Error('away')
      told.push(changed)
      return false
    }
    const { objects, stored, bucket, put, status } = await replicated({ ...target, change })
    const of = { bucket, key: 'key' }
    await put('key', 'x')
    await expect.poll(() => status('key'), PATIENCE).toBe('COMPLETED')
    away = true
    await objects.changeProperties(of, (now) => ({ ...now, tags: [{ key: 'k', value: 'v' }] }))
    await objects.changeProperties(of, ({ replication, ...now }) => ({
      ...now,
      replication: JSON.parse(JSON.stringify(replication, (name, value) => (name === 'changed' ? undefined : value))),
    }))
    away = false
    await expect.poll(() => queued(stored), PATIENCE).toBe(0)
    expect(told).toEqual([['tags', 'hold', 'retention']])
    expect(await status('key')).toBe('COMPLETED')
    await objects.close()
  })

  it('sends tags to the version that was made there, and no ACL', async () => {
    const { took, target } = fakeTarget()
    const { objects, stored, bucket, put, status } = await replicated(target)
    const { versionId } = await put('key', 'x')
    await expect.poll(() => status('key'), PATIENCE).toBe('COMPLETED')
    await objects.changeProperties({ bucket, key: 'key' }, (now) => ({ ...now, acl: { grants: [] } }))
    expect(await queued(stored)).toBe(0)
    await objects.changeProperties({ bucket, key: 'key' }, (now) => ({ ...now, tags: [{ key: 'k', value: 'v' }] }))
    await expect.poll(() => took, PATIENCE).toEqual(['x key', `there ${versionId} v key`])
    await expect.poll(() => status('key'), PATIENCE).toBe('COMPLETED')
    await objects.close()
  })
})

describe('Lifecycle rules of a bucket that is replicated', () => {
  it('leave alone what is not there yet, and what they delete stays there', async () => {
    const expire: LifecycleRule = {
      id: 'x',
      enabled: true,
      filter: {},
      expiration: { days: 1 },
      noncurrentExpiration: { days: 1 },
    }
    let away = true
    const { took, target } = fakeTarget(() => (away ? new Error('away') : undefined))
    const { objects, bucket, put, status, time } = await replicated(target)
    await objects.changeDocument(bucket, 'lifecycle', () => ({ rules: [expire] }) as unknown as Json)
    const { versionId } = await put('key', 'one')
    await put('key', 'two')
    time.nowMs += 3 * DAY_MS
    await objects.lifecycle.pass()
    expect(await status('key')).toBe('PENDING')
    expect(await status('key', versionId)).toBe('PENDING')
    away = false
    await expect.poll(() => status('key'), PATIENCE).toBe('COMPLETED')
    time.nowMs += 3 * DAY_MS
    await objects.lifecycle.pass()
    await expect(objects.open({ bucket, key: 'key' })).rejects.toMatchObject({ code: 'NoSuchKey' })
    await put('last', 'x')
    await expect.poll(() => status('last'), PATIENCE).toBe('COMPLETED')
    expect(took).toEqual(['one key', 'two key', 'x last'])
    await objects.close()
  })
})

describe('Lifecycle rules of a bucket that is replicated elsewhere by now', () => {
  const EXPIRE = { rules: [{ id: 'x', enabled: true, filter: {}, expiration: { days: 1 } }] } as unknown as Json
  const [RULE] = CONFIGURATION.rules
  const elsewhere = (more: object): Json => {
    const destination = { arn: 'arn:coffer:s3::dr:else', bucket: 'else', target: 'dr' }
    return { ...CONFIGURATION, rules: [{ ...RULE, destination, ...more }] } as unknown as Json
  }
  const isGone = { code: 'NoSuchKey' }

  it('do not wait for what will not come any more, whether a version or a change of it', async () => {
    const { target } = fakeTarget((key) => (key === 'never' ? new Error('refused') : undefined))
    let away = false
    const change: ReplicationTarget['change'] = (...of) =>
      away ? Promise.reject(new Error('refused')) : target.change(...of)
    const { objects, stored, bucket, put, status, time } = await replicated({ ...target, change })
    await objects.changeDocument(bucket, 'lifecycle', () => EXPIRE)
    await put('never', 'x')
    await put('changed', 'x')
    await expect.poll(() => status('changed'), PATIENCE).toBe('COMPLETED')
    away = true
    await objects.changeProperties({ bucket, key: 'changed' }, (now) => ({ ...now, tags: [{ key: 'k', value: 'v' }] }))
    for (const key of ['never', 'changed']) await expect.poll(() => status(key), PATIENCE).toBe('FAILED')
    time.nowMs += 3 * DAY_MS
    await objects.lifecycle.pass()
    expect([await status('never'), await status('changed')]).toEqual(['FAILED', 'FAILED'])
    await objects.changeDocument(bucket, 'replication', () => elsewhere({}))
    await expect.poll(() => queued(stored), PATIENCE).toBe(0)
    expect([await status('never'), await status('changed')]).toEqual(['FAILED', 'FAILED'])
    // Its rule is back: what was given up while it was not there does not come all the same.
    await objects.changeDocument(bucket, 'replication', () => CONFIGURATION as unknown as Json)
    time.nowMs += DAY_MS
    await objects.lifecycle.pass()
    for (const key of ['never', 'changed']) await expect(objects.open({ bucket, key })).rejects.toMatchObject(isGone)
    await objects.close()
  })

  it('leave a delete marker that is on its way, and nothing but it, for as long as it may be', async () => {
    const { target } = fakeTarget((key) => (key === 'key' ? new Error('away') : undefined))
    const { objects, stored, bucket, time } = await replicated(target)
    const rules = [{ id: 'x', enabled: true, filter: {}, expiration: { expiredDeleteMarker: true } }]
    await objects.changeDocument(bucket, 'lifecycle', () => ({ rules }) as unknown as Json)
    await objects.delete({ bucket, key: 'key', conditions: {} })
    const versions = async () => (await stored.range(SPACE.version, EVERYTHING)).length
    time.nowMs += 3 * DAY_MS
    await objects.lifecycle.pass()
    expect([await versions(), await queued(stored)]).toEqual([1, 1])
    time.nowMs += 6 * DAY_MS
    await expect.poll(() => queued(stored), PATIENCE).toBe(0)
    await objects.lifecycle.pass()
    expect(await versions()).toBe(0)
    await objects.close()
  })
})

describe('Replication to a bucket of the same store', () => {
  it('ends with what the source has, whatever failed on the way', async () => {
    const property = fc.asyncProperty(fc.integer(), async (seed) => {
      let state = seed | 1
      /** True in one case of so many. */
      const chance = (of: number): boolean => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
        return (state >>> 16) % of === 0
      }
      let faulty = false
      const store = (inner: MetadataStore): MetadataStore => ({
        ...inner,
        commit: async (writes) => {
          if (faulty && chance(6)) throw new CodedError('MetadataStoreFailed', 'not now')
          const committed = await inner.commit(writes)
          if (faulty && chance(6)) throw new CodedError('CommitUnknown', 'who knows')
          return committed
        },
      })
      const blobs = (inner: BlobStore): BlobStore => ({
        ...inner,
        put: async (...of) => {
          if (faulty && chance(8)) throw new CodedError('BlobStoreFailed', 'not now')
          return inner.put(...of)
        },
      })
      const stored = memoryStore()
      const replication = { targets: new Map(), rights: async () => undefined, retryMs: 1 }
      const first = await testEngine({ stored, metadata: store, blobs, replication })
      const { objects, newBucket } = first
      const from = await objects.setVersioning(await first.makeBucket(), 'Enabled')
      const to = await objects.setVersioning(await objects.createBucket({ ...newBucket, name: 'there' }), 'Enabled')
      const destination = { arn: 'arn:aws:s3:::there', bucket: 'there', bucketId: to.id }
      const rules = [{ id: 'r', enabled: true, priority: 1, filter: { tags: [] }, deleteMarkers: true, destination }]
      await objects.changeDocument(from, 'replication', () => ({ orderedBy: 'somebody', rules }))
      const tagsOf = (n: number) => [{ key: 'n', value: String(n) }]
      faulty = true
      for (let n = 0; n < 30; n++) {
        const of = { bucket: from, key: `key ${n % 3}` }
        const tags = chance(2) ? { properties: { tags: tagsOf(n) } } : {}
        const retag = () =>
          objects.changeProperties(of, ({ tags: _, ...now }) => ({ ...now, ...(chance(3) ? {} : { tags: tagsOf(n) }) }))
        const act = chance(5)
          ? objects.delete({ ...of, conditions: {} })
          : chance(3)
            ? retag()
            : objects.put({ ...of, ...plain, ...tags, body: bodyOf(`${n}`) })
        await act.catch(() => undefined)
      }
      // Its last commit may fail as any other.
      await objects.close().catch(() => undefined)
      faulty = false
      const { disk, kms } = first
      const again = await testEngine({ stored, disk, kms, lease: '1'.repeat(16), replication })
      await expect.poll(() => queued(stored), PATIENCE).toBe(0)
      const query = { prefix: '', delimiter: '', keyMarker: '', versionIdMarker: '', limit: 1000 }
      const shape = async (bucket: Bucket) => {
        const { items } = await again.objects.listVersions({ bucket, ...query })
        const told = items.map(async ({ summary, replicationStatus: status, ...item }) => {
          if (item.deleteMarker) return item
          const known = await again.objects.known({ bucket, ...item })
          const mine = bucket.name === 'there' ? 'REPLICA' : 'COMPLETED'
          return { ...item, etag: summary?.etag, tags: await known?.tags(), isAsItShould: status === mine }
        })
        return Promise.all(told)
      }
      expect(await shape(to)).toEqual(await shape(from))
      expect((await shape(to)).every((one) => !('isAsItShould' in one) || one.isAsItShould)).toBe(true)
      expect(await again.objects.recount()).toMatchObject({ differences: [] })
      await again.objects.close()
    })
    await fc.assert(property, { numRuns: 15 })
  })
})
