import { describe, expect, it } from 'vitest'
import { SPACE } from '../../../src/objects/keyspace.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
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
    const query = { bucket, prefix: '', delimiter: '', after: '', limit: 10 }
    const logs = (await again.objects.list(query)).items
    const texts = await Promise.all(logs.map(({ key }) => readAll(again.objects, bucket, key)))
    expect(texts.join('').split('\n').sort()).toEqual(['', ...lines].sort())
    expect(await stored.range(SPACE.accessLog, everything)).toEqual([])
    await again.objects.close()
  })

  it('are bounded: what is too much is dropped and told of', async () => {
    const { objects, kms, newBucket, failures } = await testEngine()
    const bucket = await objects.createBucket(newBucket)
    await objects.changeDocument(bucket, 'logging', () => ({ targetBucket: newBucket.name, targetPrefix: 'log' }))
    await kms.disable(newBucket.rootKeyCrn)
    const line = 'x'.repeat(1024 * 1024 - 1)
    for (let n = 0; n < 40; n++) objects.accessLogs.add(bucket, line, 0)
    await objects.accessLogs.flush()
    expect(failures.map(String)).toContain('Error: lines of access logs that could not be delivered were dropped: 8')
  })
})
