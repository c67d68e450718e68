import { describe, expect, it } from 'vitest'
import { CodedError, hasCode } from '../../../src/base/errors.ts'
import type { Bucket } from '../../../src/objects/buckets.ts'
import { SPACE } from '../../../src/objects/keyspace.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { Write } from '../../../src/storage/metadata/metadata-store.ts'
import { readAll, testEngine } from '../../support/engine.ts'

describe('Lines of an access log that cannot be delivered', () => {
  it('wait, are stored at the stop, and are delivered after the next start', async () => {
    const stored = memoryStore()
    const { objects, kms, newBucket, failures } = await testEngine({ stored })
    const bucket = await objects.createBucket(newBucket)
    await objects.changeDocument(bucket, 'logging', () => ({ targetBucket: newBucket.name, targetPrefix: 'log' }))
    await kms.disable(newBucket.rootKeyCrn)
    const lines = Array.from({ length: 3000 }, (_, n) => `line ${n} ${'x'.repeat(30)}`)
    for (const line of lines.slice(0, 10)) objects.accessLogs.add(bucket, line, 0)
    await objects.accessLogs.flush()
    expect(failures).toMatchObject([{ code: 'RootKeyDisabled' }])
    for (const line of lines.slice(10)) objects.accessLogs.add(bucket, line, 0)
    await objects.close()
    const everything = { gte: Buffer.alloc(0), lt: Buffer.alloc(9, 255), limit: 100 }
    expect((await stored.range(SPACE.accessLog, everything)).length).toBeGreaterThan(1)

    await kms.enable(newBucket.rootKeyCrn)
    const again = await testEngine({ stored, kms, lease: '1'.repeat(16) })
    await again.objects.accessLogs.flush()
    expect((await texts(again.objects, bucket)).join('').split('\n').sort()).toEqual(['', ...lines].sort())
    expect(await stored.range(SPACE.accessLog, everything)).toEqual([])
    await again.objects.close()
  })

  it('keep their days over a stop where logs are partitioned by them', async () => {
    const stored = memoryStore()
    const { objects, kms, newBucket, time } = await testEngine({ stored })
    const bucket = await objects.createBucket(newBucket)
    const logging = { targetBucket: newBucket.name, targetPrefix: 'log/', partitionedBy: 'EventTime' }
    await objects.changeDocument(bucket, 'logging', () => logging)
    await kms.disable(newBucket.rootKeyCrn)
    const days = [Date.UTC(2023, 10, 12, 23, 59), Date.UTC(2023, 10, 13)]
    for (const [n, timeMs] of days.entries()) objects.accessLogs.add(bucket, `line ${n}`, timeMs)
    await objects.close()
    await kms.enable(newBucket.rootKeyCrn)
    const again = await testEngine({ stored, kms, lease: '1'.repeat(16) })
    again.time.nowMs = time.nowMs + 86_400_000
    await again.objects.accessLogs.flush()
    const { items } = await again.objects.list({ bucket, prefix: '', delimiter: '', after: '', limit: 10 })
    const found = await Promise.all(
      items.map(async ({ key }) => [key.split('/').slice(4, 7).join('/'), await readAll(again.objects, bucket, key)]),
    )
    expect(found).toEqual([
      ['2023/11/12', 'line 0\n'],
      ['2023/11/13', 'line 1\n'],
    ])
    await again.objects.close()
  })

  it('are of no bucket whose document cannot be read, and keep nothing of the others', async () => {
    const stored = memoryStore()
    const { objects, kms, newBucket } = await testEngine({ stored })
    const bucket = await objects.createBucket(newBucket)
    const other = await objects.createBucket({ ...newBucket, name: 'other' })
    for (const one of [bucket, other]) {
      await objects.changeDocument(one, 'logging', () => ({ targetBucket: 'other', targetPrefix: 'log' }))
    }
    await kms.disable(newBucket.rootKeyCrn)
    for (const one of [bucket, other]) objects.accessLogs.add(one, `of ${one.name}`, 0)
    await objects.close()
    const id = Buffer.from(bucket.id.replaceAll('-', ''), 'hex')
    const rows = await stored.range(SPACE.document, {
      gte: id,
      lt: Buffer.concat([id, Buffer.alloc(4, 255)]),
      limit: 9,
    })
    for (const { key } of rows)
      await stored.commit([{ type: 'put', space: SPACE.document, key, value: Buffer.from('{') }])
    await kms.enable(newBucket.rootKeyCrn)
    const again = await testEngine({ stored, kms, lease: '1'.repeat(16) })
    expect(again.objects.accessLogs.target(bucket)).toBeUndefined()
    await again.objects.accessLogs.flush()
    expect(await texts(again.objects, other)).toEqual(['of other\n'])
    await again.objects.close()
  })

  it('are bounded by bucket, so that one that takes none silences no other, and what is too much is told of', async () => {
    const { objects, kms, newBucket, failures } = await testEngine()
    const bucket = await objects.createBucket(newBucket)
    const open = { ...newBucket, name: 'open', rootKeyCrn: await kms.newRootKey() }
    const other = await objects.createBucket(open)
    const log = (of: Bucket) =>
      objects.changeDocument(of, 'logging', () => ({ targetBucket: of.name, targetPrefix: 'log' }))
    await log(bucket)
    await log(other)
    await kms.disable(newBucket.rootKeyCrn)
    const line = 'x'.repeat(16 * 1024 - 1)
    for (let n = 0; n < 3 * 1024; n++) objects.accessLogs.add(bucket, line, 0)
    objects.accessLogs.add(other, 'line', 0)
    await objects.accessLogs.flush()
    const told = failures.filter((one) => !hasCode(one, 'RootKeyDisabled')).map(String)
    expect(told).toEqual(['Error: lines of access logs that could not be delivered were dropped: 2560'])
    expect(await texts(objects, other)).toEqual(['line\n'])
    // Each log is refused once, however many lines have come since.
    expect(failures.length - told.length).toBeLessThan(5)
    await objects.close()
  })

  it('are bounded in all: what waits for the bucket that has the most gives way', async () => {
    const { objects, kms, newBucket, failures } = await testEngine()
    const buckets: Bucket[] = []
    for (let n = 0; n < 6; n++) {
      const bucket = await objects.createBucket({ ...newBucket, name: `bucket${n}` })
      await objects.changeDocument(bucket, 'logging', () => ({ targetBucket: bucket.name, targetPrefix: 'log' }))
      buckets.push(bucket)
    }
    await kms.disable(newBucket.rootKeyCrn)
    const line = 'x'.repeat(16 * 1024 - 1)
    for (const bucket of buckets) for (let n = 0; n < 512; n++) objects.accessLogs.add(bucket, line, 0)
    await kms.enable(newBucket.rootKeyCrn)
    await objects.accessLogs.flush()
    const counts: number[] = []
    for (const bucket of buckets) counts.push((await texts(objects, bucket)).join('').length / (line.length + 1))
    expect(counts.reduce((a, b) => a + b)).toBe(2048)
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(256)
    expect(failures.map(String)).toContain('Error: lines of access logs that could not be delivered were dropped: 1024')
    await objects.close()
  })

  it('are all kept at a stop, however long they are, and when those of one bucket cannot be stored', async () => {
    const stored = memoryStore()
    let refused = 0
    const { objects, kms, newBucket, failures } = await testEngine({
      stored,
      metadata: (inner) => ({
        ...inner,
        commit: async (writes) => {
          const isFirst = (write: Write) =>
            write.type === 'put' && write.space === SPACE.accessLog && write.value.includes('first')
          if (!writes.some(isFirst)) return inner.commit(writes)
          refused++
          throw new CodedError('NoSpace', 'the disk is full')
        },
      }),
    })
    const buckets: Bucket[] = []
    for (const name of ['first', 'second']) {
      const bucket = await objects.createBucket({ ...newBucket, name })
      await objects.changeDocument(bucket, 'logging', () => ({ targetBucket: name, targetPrefix: 'log' }))
      buckets.push(bucket)
    }
    await kms.disable(newBucket.rootKeyCrn)
    const long = '\u20ac'.repeat(100_000)
    for (const bucket of buckets)
      for (const text of [bucket.name, long, 'last']) objects.accessLogs.add(bucket, text, 0)
    await objects.close()
    expect(refused).toBe(1)
    expect(failures).toMatchObject([{ code: 'NoSpace' }])
    await kms.enable(newBucket.rootKeyCrn)
    const again = await testEngine({ stored, kms, lease: '1'.repeat(16) })
    await again.objects.accessLogs.flush()
    const [, second] = buckets
    const [text] = second ? await texts(again.objects, second) : []
    expect(text?.split('\n').map((line) => line.length)).toEqual([6, 16 * 1024, 4, 0])
    await again.objects.close()
  })
})

async function texts(objects: Objects, bucket: Bucket): Promise<string[]> {
  const query = { bucket, prefix: '', delimiter: '', after: '', limit: 100 }
  return Promise.all((await objects.list(query)).items.map(({ key }) => readAll(objects, bucket, key)))
}
