import { describe, expect, it } from 'vitest'
import type { BucketSettings } from '../../../src/objects/bucket-configuration.ts'
import { rowsUnder, SPACE } from '../../../src/objects/keyspace.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { Entry, Write } from '../../../src/storage/metadata/metadata-store.ts'
import { testEngine } from '../../support/engine.ts'

const everything = { gte: Buffer.alloc(0), lt: rowsUnder(Buffer.from([0xff])).lt, limit: 1000 }

const FULL: BucketSettings = {
  hardQuotaBytes: 5,
  firewall: { allowedIp: ['192.0.2.0/24'], deniedIp: [], allowedNetworkType: ['private'] },
  activityTracking: { readDataEvents: true, writeDataEvents: false, managementEvents: true, activityTrackerCrn: 'crn' },
  metricsMonitoring: { usageMetricsEnabled: true, requestMetricsEnabled: false, metricsMonitoringCrn: 'crn' },
}

describe('the configuration of a bucket', () => {
  it('is nothing at first, and counts its changes', async () => {
    const { objects, time, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    expect(objects.configurationOf(bucket)).toEqual({ revision: 0 })
    await objects.configure(bucket, () => ({ hardQuotaBytes: 1 }))
    time.nowMs += 5
    const changed = await objects.configure(bucket, (now) => ({ hardQuotaBytes: (now.hardQuotaBytes ?? 0) + 1 }))
    expect(changed).toEqual({ revision: 2, updatedAtMs: time.nowMs, hardQuotaBytes: 2 })
    expect(objects.configurationOf(bucket)).toEqual(changed)
  })

  it('is there after a restart, member for member', async () => {
    const stored = memoryStore()
    const first = await testEngine({ stored })
    const bucket = await first.makeBucket()
    const changed = await first.objects.configure(bucket, () => FULL)
    expect(changed).toMatchObject(FULL)
    await first.objects.close()
    const second = await testEngine({ stored, lease: '1'.repeat(16) })
    expect(second.objects.configurationOf(bucket)).toEqual(changed)
  })

  it('holds lists of networks as long as they may be', async () => {
    const stored = memoryStore()
    const { objects, makeBucket } = await testEngine({ stored })
    const bucket = await makeBucket()
    const networks = Array.from({ length: 1000 }, () => '0000:0000:0000:0000:0000:ffff:255.255.255.255/128')
    const firewall = { allowedIp: networks, deniedIp: networks }
    await objects.configure(bucket, () => ({ firewall }))
    await objects.close()
    const again = await testEngine({ stored, lease: '1'.repeat(16) })
    expect(again.objects.configurationOf(bucket).firewall).toEqual(firewall)
  })

  it('is not changed when the change is refused', async () => {
    const { objects, makeBucket } = await testEngine()
    const bucket = await makeBucket()
    await objects.configure(bucket, () => FULL)
    const refused = objects.configure(bucket, () => {
      throw new Error('no')
    })
    await expect(refused).rejects.toThrow('no')
    expect(objects.configurationOf(bucket)).toMatchObject({ ...FULL, revision: 1 })
  })

  it('takes changes at the same time one after the other, while the bucket’s own row changes too', async () => {
    const { objects, makeBucket, newBucket } = await testEngine()
    const bucket = await makeBucket()
    const add = () => objects.configure(bucket, ({ hardQuotaBytes = 0 }) => ({ hardQuotaBytes: hardQuotaBytes + 1 }))
    const gone = objects.deleteBucket(bucket).then(
      () => 'deleted',
      () => 'kept',
    )
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, add))
    expect(await gone).toBe('deleted')
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    const next = await objects.createBucket(newBucket)
    await Promise.all(
      Array.from({ length: 20 }, () =>
        objects.configure(next, ({ hardQuotaBytes = 0 }) => ({ hardQuotaBytes: hardQuotaBytes + 1 })),
      ),
    )
    expect(objects.configurationOf(next)).toMatchObject({ revision: 20, hardQuotaBytes: 20 })
  })

  it('goes with the bucket, and is not that of the next one of its name', async () => {
    const { objects, stored, makeBucket, newBucket } = await testEngine()
    const bucket = await makeBucket()
    await objects.configure(bucket, () => FULL)
    expect(await stored.range(SPACE.configuration, everything)).toHaveLength(2)
    await objects.deleteBucket(bucket)
    expect(await stored.range(SPACE.configuration, everything)).toEqual([])
    expect(objects.configurationOf(await objects.createBucket(newBucket))).toEqual({ revision: 0 })
  })
})

const damages: readonly [string, (row: Entry, part: number | undefined) => Write | undefined][] = [
  [
    'of another version',
    (row) => ({ type: 'put', space: SPACE.configuration, key: row.key, value: Buffer.from('{"v":2}') }),
  ],
  ['that is no JSON', (row) => ({ type: 'put', space: SPACE.configuration, key: row.key, value: Buffer.from('{') })],
  [
    'whose list of networks is lost',
    (row, part) => (part === 2 ? { type: 'delete', space: SPACE.configuration, key: row.key } : undefined),
  ],
]

it.each(damages)('a configuration %s keeps its bucket out of service, and the others serve', async (_, damage) => {
  const stored = memoryStore()
  const first = await testEngine({ stored })
  const bucket = await first.makeBucket()
  const other = await first.objects.createBucket({ ...first.newBucket, name: 'other' })
  await first.objects.configure(bucket, () => FULL)
  await first.objects.close()
  for (const row of await stored.range(SPACE.configuration, everything)) {
    const write = damage(row, row.key.at(-1))
    if (write) await stored.commit([write])
  }
  const { objects, failures } = await testEngine({ stored, lease: '1'.repeat(16) })
  expect(() => objects.configurationOf(bucket)).toThrow(expect.objectContaining({ code: 'MetadataCorrupt' }))
  expect(objects.configurationOf(other)).toEqual({ revision: 0 })
  expect(String(failures[0])).toContain(bucket.id)
})

it('is stored as docs/record-format.md says, for good', async () => {
  const { objects, stored, makeBucket } = await testEngine()
  const bucket = await makeBucket()
  await objects.configure(bucket, () => FULL)
  const id = bucket.id.replaceAll('-', '')
  const rows = await stored.range(SPACE.configuration, everything)
  expect(rows.map(({ key, value }) => [key.toString('hex'), value.toString()])).toEqual([
    [
      `${id}01`,
      '{"v":1,"hardQuotaBytes":5,' +
        '"activityTracking":{"readDataEvents":true,"writeDataEvents":false,"managementEvents":true,"activityTrackerCrn":"crn"},' +
        '"metricsMonitoring":{"usageMetricsEnabled":true,"requestMetricsEnabled":false,"metricsMonitoringCrn":"crn"},' +
        '"revision":1,"updatedAtMs":1700000000000,"firewall":{"allowedIp":1,"deniedIp":0,"networkTypes":["private"]}}',
    ],
    [`${id}02`, '{"v":1,"networks":["192.0.2.0/24"]}'],
  ])
})
