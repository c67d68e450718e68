import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, it, vi } from 'vitest'
import { startHouse } from '../support/house.ts'
import { keyOwner } from '../support/keys.ts'
import { readMetrics } from '../support/metrics.ts'
import { refusal } from '../support/object-house.ts'
import { makeBucket } from '../support/s3.ts'

it('every operation, key call, connection and disk is counted, and nothing names a bucket, a key or a tenant', async () => {
  await using test = await startHouse()
  const s3 = test.client()
  const owner = await keyOwner(test.controlUrl)
  const { crn } = await owner.newKey('watched')
  await makeBucket(s3, 'secret-bucket', crn)
  const before = await readMetrics(test)
  for (const n of [1, 2, 3]) {
    await s3.send(new PutObjectCommand({ Bucket: 'secret-bucket', Key: `secret-${n}`, Body: 'x'.repeat(1000) }))
  }
  await (await s3.send(new GetObjectCommand({ Bucket: 'secret-bucket', Key: 'secret-1' }))).Body?.transformToString()
  await s3.send(new ListObjectsV2Command({ Bucket: 'secret-bucket' }))
  expect(await refusal(s3.send(new GetObjectCommand({ Bucket: 'secret-bucket', Key: 'none' })))).toBe('404 NoSuchKey')
  await s3.send(new HeadObjectCommand({ Bucket: 'secret-bucket', Key: 'none' })).catch(() => {})

  // What a request came to is counted when its answer is on its way.
  await vi.waitFor(async () => {
    const now = await readMetrics(test)
    const more = (name: string) => (now[name] ?? 0) - (before[name] ?? 0)
    expect({
      put: more('coffer_s3_requests_total{operation="PutObject",status="200"}'),
      get: more('coffer_s3_requests_total{operation="GetObject",status="200"}'),
      absent: more('coffer_s3_requests_total{operation="GetObject",status="404"}'),
      code: more('coffer_s3_errors_total{operation="GetObject",code="NoSuchKey"}'),
      list: more('coffer_s3_requests_total{operation="ListObjectsV2",status="200"}'),
      timed: more('coffer_s3_request_duration_seconds_count{operation="PutObject"}'),
      longest: more('coffer_s3_request_duration_seconds_bucket{operation="PutObject",le="+Inf"}'),
      wraps: more('coffer_key_calls_total{call="wrap",where="here"}') >= 3,
      received: more('coffer_received_bytes_total{listener="s3"}') > 3000,
      sent: more('coffer_sent_bytes_total{listener="s3"}') > 1000,
      control: more('coffer_control_requests_total{operation="metrics.GetMetrics",status="200"}') >= 1,
      connections: (now['coffer_connections{listener="s3"}'] ?? 0) >= 1,
      disk: (now['coffer_disk_free_bytes{disk="data"}'] ?? 0) > 0,
      size: (now['coffer_disk_size_bytes{disk="data"}'] ?? 0) > (now['coffer_disk_free_bytes{disk="data"}'] ?? 0),
      audit: now['coffer_audit_writable'],
      memory: (now['process_resident_memory_bytes'] ?? 0) > 1024 ** 2,
    }).toEqual({
      ...{ put: 3, get: 1, absent: 1, code: 1, list: 1, timed: 3, longest: 3, wraps: true, received: true, sent: true },
      ...{ control: true, connections: true, disk: true, size: true, audit: 1, memory: true },
    })
  })
  const text = await (await fetch(`${test.controlUrl}/metrics`)).text()
  expect(text).not.toMatch(/secret|watched|crn:|AKIA/)
  expect(text).toMatch(/^coffer_build_info\{version="\d+\.\d+\.\d+",node="v26\.\d+\.\d+"\} 1$/m)
})

it('a key that is disabled shows as failures of key calls, by code', async () => {
  await using test = await startHouse()
  const s3 = test.client()
  const owner = await keyOwner(test.controlUrl)
  const { crn, id } = await owner.newKey('disabled')
  await makeBucket(s3, 'bucket', crn)
  expect((await owner.act(id, 'disable')).status).toBe(204)
  await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'k', Body: 'x' })).catch(() => {})
  const failures = Object.entries(await readMetrics(test)).filter(([name]) =>
    name.startsWith('coffer_key_failures_total'),
  )
  expect(failures.length).toBeGreaterThan(0)
  for (const [name] of failures)
    expect(name).toMatch(/^coffer_key_failures_total\{call="\w+",where="here",code="\w+"\}$/)
})
