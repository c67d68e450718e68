import { describe, expect, it } from 'vitest'
import { CodedError } from '../../../src/base/errors.ts'
import { SPACE } from '../../../src/objects/keyspace.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

const KEY = 'key'

/** An engine with an upload of three parts; the reply of the commit that ends it can be lost. */
async function uploaded() {
  const fate: { onEnd?: () => void } = {}
  /** Once each, after an object was looked up. */
  const onLookup: (() => Promise<void>)[] = []
  const engine = await testEngine({
    metadata: (inner) => ({
      ...inner,
      get: async (space, key) => {
        const entry = await inner.get(space, key)
        if (space === SPACE.head) await onLookup.shift()?.()
        return entry
      },
      commit: async (writes) => {
        const done = await inner.commit(writes)
        if (writes.some((write) => write.type === 'delete' && write.space === SPACE.upload)) fate.onEnd?.()
        return done
      },
    }),
  })
  const bucket = await engine.makeBucket()
  const { objects } = engine
  const { uploadId } = await objects.createUpload({ bucket, key: KEY, attributes: plain.attributes })
  const upload = await objects.findUpload({ bucket, key: KEY, uploadId })
  const sent = await Promise.all([1, 2, 3].map((number) => objects.uploadPart(upload, number, bodyOf(`${number};`))))
  const parts = sent.map(({ number, etag }) => ({ number, etag }))
  const complete = (more: object = {}) =>
    objects.completeUpload({ bucket, key: KEY, uploadId, parts, conditions: {}, ...more })
  return { ...engine, bucket, uploadId, upload, parts, complete, fate, onLookup }
}

const loseReply = () => {
  throw new CodedError('CommitUnknown', 'the reply was lost')
}

describe('completing an upload', () => {
  it('whose reply is lost is answered when its object is there', async () => {
    const { objects, bucket, complete, fate } = await uploaded()
    fate.onEnd = loseReply
    expect((await complete()).etag).toMatch(/-3$/)
    expect(await readAll(objects, bucket, KEY)).toBe('1;2;3;')
  })

  it('whose reply is lost, and whose key is refused then, is not said to have done nothing', async () => {
    const { kms, newBucket, complete, fate } = await uploaded()
    fate.onEnd = () => {
      void kms.disable(newBucket.rootKeyCrn)
      loseReply()
    }
    await expect(complete()).rejects.toMatchObject({ code: 'CommitUnknown' })
    await kms.enable(newBucket.rootKeyCrn)
    expect((await complete()).etag).toMatch(/-3$/)
  })

  it('again answers the same, until the object is another', async () => {
    const { objects, bucket, complete } = await uploaded()
    const first = await complete()
    expect(await complete()).toEqual(first)
    await objects.put({ bucket, key: KEY, body: bodyOf('other'), ...plain })
    await expect(complete()).rejects.toMatchObject({ code: 'NoSuchUpload' })
    expect(await readAll(objects, bucket, KEY)).toBe('other')
  })

  it('again while another object takes the place is not answered with the other', async () => {
    const { objects, bucket, complete, onLookup } = await uploaded()
    const first = await complete()
    onLookup.push(async () => void (await objects.put({ bucket, key: KEY, body: bodyOf('other'), ...plain })))
    expect(await complete()).toEqual(first)
    expect(await readAll(objects, bucket, KEY)).toBe('other')
  })

  it.each([
    ['in another order', (parts: readonly object[]) => ({ parts: [...parts].reverse() }), 'InvalidPartOrder'],
    ['with a part that nobody sent', () => ({ parts: [{ number: 4, etag: 'x' }] }), 'InvalidPart'],
    ['with another ETag', () => ({ parts: [{ number: 1, etag: 'x' }] }), 'InvalidPart'],
    ['with another size', () => ({ sizeBytes: 7 }), 'InvalidPart'],
    ['when the object must be there', () => ({ conditions: { ifMatch: '*' } }), 'NoSuchKey'],
  ])('%s is refused and can be done right afterwards', async (_name, more, code) => {
    const { objects, bucket, parts, complete, disk } = await uploaded()
    await expect(complete(more(parts))).rejects.toMatchObject({ code })
    await complete()
    expect(await readAll(objects, bucket, KEY)).toBe('1;2;3;')
    await objects.garbage.settled()
    expect(disk.size).toBe(3)
  })

  it('frees the parts that are not named', async () => {
    const { objects, bucket, parts, complete, disk } = await uploaded()
    await complete({ parts: parts.filter(({ number }) => number !== 2) })
    await objects.garbage.settled()
    expect(await readAll(objects, bucket, KEY)).toBe('1;3;')
    expect(disk.size).toBe(2)
  })

  it('and aborting it at once: one of them wins, and no byte stays that is not the object', async () => {
    const { objects, bucket, upload, complete, disk } = await uploaded()
    const [completed, aborted] = await Promise.allSettled([complete(), objects.abortUpload(upload)])
    await objects.garbage.settled()
    expect([completed.status, aborted.status].sort()).toEqual(['fulfilled', 'rejected'])
    if (completed.status === 'fulfilled') expect(await readAll(objects, bucket, KEY)).toBe('1;2;3;')
    expect(disk.size).toBe(completed.status === 'fulfilled' ? 3 : 0)
  })
})
