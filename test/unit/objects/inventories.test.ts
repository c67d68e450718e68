import { describe, expect, it } from 'vitest'
import { SPACE } from '../../../src/objects/keyspace.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { testEngine } from '../../support/engine.ts'

const DAY_MS = 86_400_000
const INVENTORY = {
  ...{ id: 'daily', enabled: true, targetBucket: 'reports' },
  ...{ versions: 'Current', frequency: 'Daily', fields: [] },
} as const

async function engineWithReports(stored = memoryStore(), kms?: Awaited<ReturnType<typeof testEngine>>['kms']) {
  const engine = await testEngine({ stored, ...(kms ? { kms, lease: '1'.repeat(16) } : {}) })
  const { objects } = engine
  const make = async (name: string) => objects.buckets.find(name) ?? objects.createBucket({ ...engine.newBucket, name })
  const reports = await make('reports')
  const query = { bucket: reports, prefix: '', delimiter: '', after: '', limit: 1000 }
  /** Names of the buckets that there are reports of. */
  const written = async () =>
    (await objects.list(query)).items
      .filter(({ key }) => key.endsWith('manifest.json'))
      .map(({ key }) => key.split('/')[0])
  const report = async (name: string) => {
    const bucket = await make(name)
    await objects.changeDocument(bucket, 'inventory', () => [INVENTORY])
    return bucket
  }
  return { ...engine, written, report }
}

describe('Inventories', () => {
  it('go on when the clock has stood ahead and is right again', async () => {
    const { objects, time, written, report } = await engineWithReports()
    await report('source')
    const rightMs = time.nowMs
    time.nowMs = rightMs + 365 * DAY_MS
    await objects.inventories.pass()
    for (const days of [1, 2, 2]) {
      time.nowMs = rightMs + days * DAY_MS
      await objects.inventories.pass()
    }
    expect(await written()).toHaveLength(3)
    await objects.close()
  })

  it('of a bucket are written when what is stored of another’s cannot be read, and nothing is forgotten', async () => {
    const stored = memoryStore()
    const first = await engineWithReports(stored)
    const bad = await first.report('bad')
    await first.report('good')
    await first.objects.inventories.pass()
    expect(await first.written()).toEqual(['bad', 'good'])
    const { nowMs } = first.time
    await first.objects.close()
    const everything = { gte: Buffer.alloc(0), lt: Buffer.alloc(64, 255), limit: 100 }
    const known = await stored.range(SPACE.inventory, everything)
    const prefix = Buffer.from(bad.id.replaceAll('-', ''), 'hex')
    const rows = (await stored.range(SPACE.document, everything)).filter(({ key }) =>
      key.subarray(0, 16).equals(prefix),
    )
    for (const { key } of rows)
      await stored.commit([{ type: 'put', space: SPACE.document, key, value: Buffer.from('{') }])

    const again = await engineWithReports(stored, first.kms)
    again.time.nowMs = nowMs + DAY_MS
    await again.objects.inventories.pass()
    expect(await again.written()).toEqual(['bad', 'good', 'good'])
    expect(again.failures.length).toBeGreaterThan(0)
    expect(await stored.range(SPACE.inventory, everything)).toHaveLength(known.length)
    await again.objects.close()
  })
})
