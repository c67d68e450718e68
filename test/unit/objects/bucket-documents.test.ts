import { describe, expect, it } from 'vitest'
import type { Json } from '../../../src/objects/bucket-document.ts'
import { rowsUnder, SPACE } from '../../../src/objects/keyspace.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { testEngine } from '../../support/engine.ts'

const everything = { gte: Buffer.alloc(0), lt: rowsUnder(Buffer.from([0xff])).lt, limit: 1000 }
const LONG: Json = { rules: Array.from({ length: 3000 }, (_, number) => ({ number, text: 'é'.repeat(20) })) }

describe('a document of a bucket', () => {
  it('is not there at first, is what was set last, and goes', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    expect(objects.document(bucket, 'cors')).toBeUndefined()
    await objects.changeDocument(bucket, 'cors', () => ({ rules: [1] }))
    await objects.changeDocument(bucket, 'cors', (now) => ({ before: now ?? null }))
    expect(objects.document(bucket, 'cors')).toEqual({ before: { rules: [1] } })
    expect(objects.document(bucket, 'policy')).toBeUndefined()
    await objects.changeDocument(bucket, 'cors', () => undefined)
    expect(objects.document(bucket, 'cors')).toBeUndefined()
  })

  it('is there after a restart, however long, and leaves nothing of a longer one', async () => {
    const stored = memoryStore()
    const first = await testEngine({ stored })
    const bucket = await first.makeBucket()
    await first.objects.changeDocument(bucket, 'lifecycle', () => LONG)
    await first.objects.changeDocument(bucket, 'policy', () => 'short')
    expect((await stored.range(SPACE.document, everything)).length).toBeGreaterThan(3)
    await first.objects.close()
    const second = await testEngine({ stored, lease: '1'.repeat(16) })
    expect(second.objects.document(bucket, 'lifecycle')).toEqual(LONG)
    expect(second.objects.document(bucket, 'policy')).toBe('short')
    await second.objects.changeDocument(bucket, 'lifecycle', () => null)
    expect(await stored.range(SPACE.document, everything)).toHaveLength(2)
    expect(second.objects.document(bucket, 'lifecycle')).toBeNull()
  })

  it('is made with its bucket and goes with it', async () => {
    const stored = memoryStore()
    const { objects, newBucket } = await testEngine({ stored })
    const bucket = await objects.createBucket({ ...newBucket, documents: { acl: { grants: [] } } })
    expect(objects.document(bucket, 'acl')).toEqual({ grants: [] })
    await objects.deleteBucket(bucket)
    expect(await stored.range(SPACE.document, everything)).toEqual([])
  })

  it('that is too large is refused, and what was there stays', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await objects.changeDocument(bucket, 'policy', () => 1)
    const refused = objects.changeDocument(bucket, 'policy', () => 'x'.repeat(2_000_000))
    await expect(refused).rejects.toMatchObject({ code: 'EntityTooLarge' })
    expect(objects.document(bucket, 'policy')).toBe(1)
  })

  it('that is damaged is refused alone', async () => {
    const stored = memoryStore()
    const first = await testEngine({ stored })
    const bucket = await first.makeBucket()
    await first.objects.changeDocument(bucket, 'policy', () => LONG)
    await first.objects.changeDocument(bucket, 'cors', () => 1)
    await first.objects.close()
    const piece = (await stored.range(SPACE.document, everything)).find(({ key }) => key.at(-1) === 1)
    if (!piece) throw new Error('the document has one piece only')
    await stored.commit([{ type: 'delete', space: SPACE.document, key: piece.key }])
    const { objects } = await testEngine({ stored, lease: '1'.repeat(16) })
    expect(() => objects.document(bucket, 'policy')).toThrow(expect.objectContaining({ code: 'MetadataCorrupt' }))
    expect(objects.document(bucket, 'cors')).toBe(1)
    await objects.deleteBucket(bucket)
    expect(await stored.range(SPACE.document, everything)).toEqual([])
  })
})
