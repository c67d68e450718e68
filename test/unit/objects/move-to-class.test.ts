import { describe, expect, it } from 'vitest'
import type { ListedPart } from '../../../src/objects/complete-upload.ts'
import { SPACE } from '../../../src/objects/keyspace.ts'
import type { BlobId } from '../../../src/storage/blob/blob-store.ts'
import type { MetadataStore, Write } from '../../../src/storage/metadata/metadata-store.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'
import { memoryBlobStore } from '../../support/fakes/memory-blob-store.ts'

const DAY_MS = 86_400_000
const LEASE = '0'.repeat(16)

const nothing = async () => {}

/**
 * An engine with a second store, and an object of three parts that is to go there; `before` is asked before each commit,
 * `beforeCopy` before a blob is copied.
 */
async function engineWithClass(
  before: (writes: readonly Write[]) => Promise<void> = nothing,
  beforeCopy: () => Promise<void> = nothing,
  more: {
    /** A part of the upload that is not of the object. */
    readonly unlisted?: number
    /** Gets nowhere while it is held. */
    readonly collector?: { readonly held: boolean }
    readonly onRemove?: () => Promise<void>
  } = {},
) {
  const cold = new Map<BlobId, Buffer>()
  const engine = await testEngine({
    storageClasses: new Map([['COLD', memoryBlobStore(LEASE, cold)]]),
    blobs: (inner) => ({
      ...inner,
      stat: async (id) => {
        const info = await inner.stat(id)
        await beforeCopy()
        return info
      },
      remove: async (ids) => {
        if (more.collector?.held) return [...ids]
        if (ids.length > 0) await more.onRemove?.()
        return inner.remove(ids)
      },
    }),
    metadata: (inner): MetadataStore => ({
      ...inner,
      commit: async (writes) => {
        await before(writes)
        return inner.commit(writes)
      },
    }),
  })
  const { objects, time } = engine
  const bucket = await engine.makeBucket()
  const target = { bucket, key: 'key' }
  const { uploadId } = await objects.createUpload({ ...target, attributes: plain.attributes })
  const upload = await objects.findUpload({ ...target, uploadId })
  const listed: ListedPart[] = []
  for (const number of [1, 2, 3]) {
    const { etag } = await objects.uploadPart(upload, number, bodyOf(`part ${number} `))
    listed.push({ number, etag })
  }
  if (more.unlisted !== undefined) await objects.uploadPart(upload, more.unlisted, bodyOf('not listed'))
  await objects.completeUpload({ ...target, uploadId, parts: listed, conditions: {} })
  const transitions = [{ days: 1, storageClass: 'COLD' }]
  await objects.changeDocument(bucket, 'lifecycle', () => ({
    rules: [{ id: 'x', enabled: true, filter: {}, transitions }],
  }))
  time.nowMs += 2 * DAY_MS
  return { ...engine, bucket, cold }
}

/** Puts a part elsewhere, or names where the object lies. */
const moves = (space: number) => (writes: readonly Write[]) =>
  writes.some((write) => write.type === 'put' && write.space === SPACE.blob) &&
  writes.some((write) => write.type === 'put' && write.space === space)

describe('An object that is moved to another storage class', () => {
  it('is where it was, or there, whatever is written meanwhile', async () => {
    for (const space of [SPACE.part, SPACE.head]) {
      let armed = false
      const test = await engineWithClass(async (writes) => {
        if (!armed || !(moves(space)(writes) || (space === SPACE.head && headOnly(writes)))) return
        armed = false
        await test.objects.put({ bucket: test.bucket, key: 'key', body: bodyOf('written meanwhile'), ...plain })
      })
      armed = true
      await test.objects.lifecycle.pass()
      expect(armed).toBe(false)
      expect(await readAll(test.objects, test.bucket, 'key')).toBe('written meanwhile')
      await test.objects.garbage.settled()
      expect(test.cold.size).toBe(0)
      expect(test.disk.size).toBe(1)
      expect(test.failures).toEqual([])
    }
  })

  it('goes on where it was interrupted', async () => {
    let commits = 0
    let fails = true
    const test = await engineWithClass(async (writes) => {
      if (fails && headOnly(writes)) {
        commits++
        throw new Error('interrupted')
      }
    })
    await test.objects.lifecycle.pass()
    expect([commits, test.cold.size]).toEqual([1, 3])
    expect(await readAll(test.objects, test.bucket, 'key')).toBe('part 1 part 2 part 3 ')
    fails = false
    await test.objects.lifecycle.pass()
    expect(await readAll(test.objects, test.bucket, 'key')).toBe('part 1 part 2 part 3 ')
    await test.objects.garbage.settled()
    expect([test.cold.size, test.disk.size]).toEqual([3, 0])
    const known = await test.objects.known({ bucket: test.bucket, key: 'key' })
    expect(known?.storageClass).toBe('COLD')
  })

  it('is not said to be damaged when its bytes go while they are copied, for it is written anew', async () => {
    for (const before of ['plain', 'in parts']) {
      let onCopy: (() => Promise<void>) | undefined
      const test = await engineWithClass(undefined, async () => {
        const once = onCopy
        onCopy = undefined
        await once?.()
      })
      const target = { bucket: test.bucket, key: 'key', ...plain }
      if (before === 'plain') await test.objects.put({ ...target, body: bodyOf('before') })
      test.time.nowMs += 2 * DAY_MS
      onCopy = async () => {
        await test.objects.put({ ...target, body: bodyOf('written meanwhile') })
        await test.objects.garbage.settled()
      }
      await test.objects.lifecycle.pass()
      expect(onCopy).toBeUndefined()
      expect(test.failures).toEqual([])
      expect(await readAll(test.objects, test.bucket, 'key')).toBe('written meanwhile')
    }
  })

  it('is said to be damaged when its bytes are gone', async () => {
    const test = await engineWithClass()
    test.disk.clear()
    await test.objects.lifecycle.pass()
    expect(test.failures).toMatchObject([{ code: 'BlobMissing' }])
  })

  it('goes without a part that was not listed, which the collector removes meanwhile', async () => {
    for (const outrun of [false, true]) {
      let onCopy: (() => Promise<void>) | undefined
      const collector = { held: true }
      const test = await engineWithClass(
        undefined,
        async () => {
          const once = onCopy
          onCopy = undefined
          await once?.()
        },
        { unlisted: 4, collector },
      )
      await test.objects.garbage.settled()
      collector.held = false
      // Of the first part; or of none, and all four are moved before the collector gets to it.
      if (!outrun) onCopy = () => test.objects.garbage.settled()
      await test.objects.lifecycle.pass()
      await test.objects.garbage.settled()
      expect(test.failures).toEqual([])
      expect(await readAll(test.objects, test.bucket, 'key')).toBe('part 1 part 2 part 3 ')
      expect([test.cold.size, test.disk.size]).toEqual([3, 0])
    }
  })

  it('leaves nothing of a part that was not listed, and is moved while the collector removes it', async () => {
    let onRemove: (() => Promise<unknown>) | undefined
    const collector = { held: true }
    const test = await engineWithClass(undefined, undefined, {
      ...{ unlisted: 4, collector },
      onRemove: async () => {
        const once = onRemove
        onRemove = undefined
        await once?.()
      },
    })
    await test.objects.garbage.settled()
    collector.held = false
    onRemove = () => test.objects.lifecycle.pass()
    await test.objects.garbage.settled()
    expect(onRemove).toBeUndefined()
    expect(test.failures).toEqual([])
    expect(await readAll(test.objects, test.bucket, 'key')).toBe('part 1 part 2 part 3 ')
    expect([test.cold.size, test.disk.size]).toEqual([3, 0])
  })

  it('is known as the owner of its bytes when it is a version that others came after', async () => {
    const cold = new Map<BlobId, Buffer>()
    const { objects, makeBucket, time } = await testEngine({
      storageClasses: new Map([['COLD', memoryBlobStore(LEASE, cold)]]),
    })
    const bucket = await objects.setVersioning(await makeBucket(), 'Enabled')
    for (const text of ['one', 'two']) await objects.put({ bucket, key: 'key', body: bodyOf(text), ...plain })
    await objects.changeDocument(bucket, 'lifecycle', () => ({
      rules: [{ id: 'x', enabled: true, filter: {}, noncurrentTransitions: [{ days: 1, storageClass: 'COLD' }] }],
    }))
    time.nowMs += 3 * DAY_MS
    await objects.lifecycle.pass()
    expect(cold.size).toBe(1)
    objects.scrub.begin()
    await objects.scrub.settled()
    expect(objects.scrub.findings()).toEqual([])
  })
})

/** Only the record changes: all parts are moved. */
const headOnly = (writes: readonly Write[]): boolean =>
  writes.length === 2 && writes.some((write) => write.type === 'put' && write.space === SPACE.head)
