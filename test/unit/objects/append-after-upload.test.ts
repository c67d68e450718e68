import { describe, expect, it } from 'vitest'
import { SPACE } from '../../../src/objects/keyspace.ts'
import { decodeGarbage, decodePart, encodeGarbage, encodePart } from '../../../src/objects/records.ts'
import type { BlobId } from '../../../src/storage/blob/blob-store.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore, Write } from '../../../src/storage/metadata/metadata-store.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

const KEY = 'key'
const target = { key: KEY, attributes: plain.attributes }

/** An engine whose collector gets nowhere while it is held, with an upload of parts of these numbers. */
async function uploaded(numbers: readonly number[], metadata?: (inner: MetadataStore) => MetadataStore) {
  const collector = { held: true }
  const stored = memoryStore()
  const disk = new Map<BlobId, Buffer>()
  const engine = await testEngine({
    ...{ stored, disk },
    ...(metadata ? { metadata } : {}),
    blobs: (inner) => ({ ...inner, remove: async (ids) => (collector.held ? [...ids] : await inner.remove(ids)) }),
  })
  const { objects } = engine
  const bucket = await engine.makeBucket()
  const { uploadId } = await objects.createUpload({ bucket, ...target })
  const upload = await objects.findUpload({ bucket, key: KEY, uploadId })
  const sent = await Promise.all(numbers.map((number) => objects.uploadPart(upload, number, bodyOf(`${number};`))))
  const complete = (listed: readonly number[]) => {
    const parts = sent.filter(({ number }) => listed.includes(number)).map(({ number, etag }) => ({ number, etag }))
    return objects.completeUpload({ bucket, key: KEY, uploadId, parts, conditions: {} })
  }
  const append = (offsetBytes: number, text: string) =>
    objects.append({ bucket, key: KEY, offsetBytes, body: bodyOf(text), ...plain })
  const collect = async () => {
    await objects.garbage.settled()
    collector.held = false
    await objects.garbage.settled()
  }
  return { ...engine, bucket, complete, append, collect }
}

describe('appending to what an upload was completed to', () => {
  it('outlives the collector, which has parts of the upload to remove', async () => {
    const { objects, bucket, complete, append, collect, disk, failures } = await uploaded([1, 2, 3])
    await complete([1, 3])
    await append(4, 'four;')
    await append(9, 'five;')
    await collect()
    expect(await readAll(objects, bucket, KEY)).toBe('1;3;four;five;')
    expect(disk.size).toBe(4)
    await objects.delete({ bucket, key: KEY, conditions: {} })
    await objects.garbage.settled()
    expect(disk.size).toBe(0)
    expect(failures).toEqual([])
  })

  it('outlives the collector of the next start', async () => {
    const { objects, complete, append, stored, disk, kms } = await uploaded([1, 2])
    await complete([1])
    await append(2, 'more;')
    await objects.garbage.settled()
    const next = await testEngine({ stored, disk, kms, lease: '1'.repeat(16) })
    await next.objects.swept
    await next.objects.garbage.settled()
    expect(await readAll(next.objects, next.objects.buckets.get('bucket'), KEY)).toBe('1;more;')
    expect(disk.size).toBe(2)
  })

  it('does not wait for parts behind the end that are not removed yet', async () => {
    const { objects, bucket, complete, append, collect, disk } = await uploaded([1, 2, 3, 5])
    await complete([1])
    await append(2, 'a;')
    await append(4, 'b;')
    await collect()
    await append(6, 'c;')
    expect(await readAll(objects, bucket, KEY)).toBe('1;a;b;c;')
    expect(disk.size).toBe(4)
  })

  it('keeps what an earlier release appended, whose collector had a row left', async () => {
    const { objects, bucket, complete, append, collect, disk } = await uploaded([1, 2, 3], (inner) => ({
      ...inner,
      commit: (writes) => inner.commit(writes.map(asBefore)),
    }))
    await complete([1, 3])
    await append(4, 'four;')
    await collect()
    expect(await readAll(objects, bucket, KEY)).toBe('1;3;four;')
    expect(disk.size).toBe(3)
  })

  it('frees what was uploaded under a higher number than an earlier release listed once the object goes', async () => {
    const { objects, bucket, complete, collect, disk } = await uploaded([1, 2], (inner) => ({
      ...inner,
      commit: (writes) => inner.commit(writes.map(asBefore)),
    }))
    await complete([1])
    await collect()
    expect(await readAll(objects, bucket, KEY)).toBe('1;')
    await objects.delete({ bucket, key: KEY, conditions: {} })
    await objects.garbage.settled()
    expect(disk.size).toBe(0)
  })
})

/** What a release wrote that did not say of parts that they were appended. */
function asBefore(write: Write): Write {
  if (write.type !== 'put') return write
  if (write.space === SPACE.part) {
    const { appended: _, ...part } = decodePart(write.value)
    return { ...write, value: encodePart(part) }
  }
  if (write.space !== SPACE.garbage) return write
  const { upload, ...record } = decodeGarbage(write.value)
  if (!upload) return write
  const { butAppended: _, ...parts } = upload
  return { ...write, value: encodeGarbage({ ...record, upload: parts }) }
}
