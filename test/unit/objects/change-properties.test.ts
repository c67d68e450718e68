import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../../src/objects/buckets.ts'
import { SPACE } from '../../../src/objects/keyspace.ts'
import type { ObjectProperties } from '../../../src/objects/object-properties.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

const TAGS = [
  { key: 'class', value: 'secret papers' },
  { key: 'empty', value: '' },
]

const put = (objects: Objects, bucket: Bucket, properties: ObjectProperties = {}) =>
  objects.put({ ...plain, bucket, key: 'a', body: bodyOf('text'), properties })

describe('properties of an object', () => {
  it('are stored with it, and change while its bytes, date and ETag stay', async () => {
    const { objects, time, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await put(objects, bucket, { tags: TAGS, owner: { id: 'me', displayName: 'Me' } })
    const before = await objects.known({ bucket, key: 'a' })
    expect(before).toMatchObject({ owner: { id: 'me', displayName: 'Me' }, hasTags: true, sizeBytes: 4 })
    expect(await before?.tags()).toEqual(TAGS)
    time.nowMs += 1000
    await objects.changeProperties({ bucket, key: 'a' }, (now) => ({
      ...now,
      tags: [...(now.tags ?? []), { key: 'c', value: '1' }],
    }))
    const after = await objects.known({ bucket, key: 'a' })
    expect(await after?.tags()).toEqual([...TAGS, { key: 'c', value: '1' }])
    expect(after).toMatchObject({ owner: { id: 'me' }, modifiedAtMs: before?.modifiedAtMs })
    expect(await readAll(objects, bucket, 'a')).toBe('text')
    await objects.changeProperties({ bucket, key: 'a' }, ({ tags: _, ...rest }) => rest)
    expect(await objects.known({ bucket, key: 'a' })).toMatchObject({ hasTags: false, owner: { id: 'me' } })
  })

  it('of a missing object are not there', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    expect(await objects.known({ bucket, key: 'a' })).toBeUndefined()
    const change = objects.changeProperties({ bucket, key: 'a' }, (now) => now)
    await expect(change).rejects.toMatchObject({ code: 'NoSuchKey' })
  })

  it('lose no change of several at once', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await put(objects, bucket)
    const names = Array.from({ length: 10 }, (_, number) => `tag ${number}`)
    const add = (key: string) =>
      objects.changeProperties({ bucket, key: 'a' }, (now) => ({
        ...now,
        tags: [...(now.tags ?? []), { key, value: '' }],
      }))
    await Promise.all(names.map(add))
    const known = await objects.known({ bucket, key: 'a' })
    expect((await known?.tags())?.map(({ key }) => key).sort()).toEqual(names)
  })

  it('holds tags sealed: the plain record does not show them', async () => {
    const stored = memoryStore()
    const { objects, makeBucket } = await testEngine({ stored })
    await put(objects, await makeBucket(), { tags: TAGS })
    const rows = await stored.range(SPACE.head, { gte: Buffer.alloc(0), lt: Buffer.alloc(17, 0xff), limit: 10 })
    expect(rows).toHaveLength(1)
    expect(rows[0]?.value.includes('secret papers')).toBe(false)
    expect(rows[0]?.value.includes('class')).toBe(false)
  })
})
