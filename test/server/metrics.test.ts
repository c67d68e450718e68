import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
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
      wraps: more('coffer_key_calls_total{call="wrap",provider="embedded",where="here"}') >= 3,
      received: more('coffer_received_bytes_total{listener="s3"}') > 3000,
      sent: more('coffer_sent_bytes_total{listener="s3"}') > 1000,
      control: more('coffer_control_requests_total{operation="metrics.GetMetrics",status="200"}') >= 1,
      connections: (now['coffer_connections{listener="s3"}'] ?? 0) >= 1,
      disk: (now['coffer_disk_free_bytes{disk="data"}'] ?? 0) > 0,
      size: (now['coffer_disk_size_bytes{disk="data"}'] ?? 0) > (now['coffer_disk_free_bytes{disk="data"}'] ?? 0),
      audit: now['coffer_audit_writable'],
      memory: (now['process_resident_memory_bytes'] ?? 0) > 1024 ** 2,
      rows: more('coffer_metadata_memory_bytes{store="metadata"}') > 1000,
      keys: (now['coffer_metadata_memory_bytes{store="kms"}'] ?? 0) > 1000,
    }).toEqual({
      ...{ put: 3, get: 1, absent: 1, code: 1, list: 1, timed: 3, longest: 3, wraps: true, received: true, sent: true },
      ...{ control: true, connections: true, disk: true, size: true, audit: 1, memory: true, rows: true, keys: true },
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
    expect(name).toMatch(/^coffer_key_failures_total\{call="\w+",provider="embedded",where="here",code="\w+"\}$/)
})

it('caches, commits, queues, uploads and garbage are told of', async () => {
  const hook = createServer((_, answer) => answer.writeHead(hookStatus).end()).listen(0, '127.0.0.1')
  let hookStatus = 200
  await once(hook, 'listening')
  const address = hook.address()
  const port = typeof address === 'object' && address ? address.port : 0
  await using test = await startHouse({ settings: { COFFER_S3_WEBHOOKS: `hook=http://127.0.0.1:${port}/` } })
  const s3 = test.client()
  const Bucket = 'watched'
  await makeBucket(s3, Bucket)
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: {
        QueueConfigurations: [{ QueueArn: 'arn:coffer:sqs::hook:webhook', Events: ['s3:ObjectCreated:*'] }],
      },
    }),
  )
  const put = (Key: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x'.repeat(500) }))
  const before = await readMetrics(test)
  await put('a')
  await put('a')
  for (const _ of [1, 2, 3]) {
    await (await s3.send(new GetObjectCommand({ Bucket, Key: 'a' }))).Body?.transformToString()
    await s3.send(new ListObjectsV2Command({ Bucket }))
  }
  await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'open' }))
  const taken = 'coffer_outbox_deliveries_total{queue="notifications",target="hook",result="taken"}'
  // The first one says that the bucket was told to tell.
  await vi.waitFor(async () => expect((await readMetrics(test))[taken]).toBe(3))
  hookStatus = 500
  await put('b')
  const target = 'queue="notifications",target="hook"'
  await vi.waitFor(async () => {
    const now = await readMetrics(test)
    const more = (name: string) => (now[name] ?? 0) - (before[name] ?? 0)
    expect({
      keyHits: more('coffer_cache_hits_total{cache="data-keys"}') >= 2,
      keyMisses: more('coffer_cache_misses_total{cache="data-keys"}') >= 1,
      keys: (now['coffer_cache_entries{cache="data-keys"}'] ?? 0) >= 1,
      rowHits: more('coffer_cache_hits_total{cache="rows"}') >= 1,
      rowBytes: (now['coffer_cache_bytes{cache="rows"}'] ?? 0) > 100,
      listed: more('coffer_cache_hits_total{cache="listed-pages"}'),
      commits: more('coffer_commits_total{store="metadata"}') >= 4,
      rows: more('coffer_commit_rows_total{store="metadata"}') >= 8,
      syncs: more('coffer_sync_duration_seconds_count{of="metadata"}') >= 1,
      blobSyncs: more('coffer_sync_duration_seconds_count{of="blobs"}') >= 1,
      objects: now['coffer_objects'],
      bytes: now['coffer_object_bytes'],
      uploads: now['coffer_uploads'],
      taken: now[taken],
      missed: more(`coffer_outbox_deliveries_total{${target},result="missed"}`) >= 1,
      held: now[`coffer_outbox_messages{${target},state="held"}`],
      lanes: now[`coffer_outbox_lanes{${target}}`],
      waits: (now[`coffer_outbox_oldest_seconds{${target}}`] ?? 0) > 0,
      removed: more('coffer_garbage_removed_total'),
      garbage: now['coffer_garbage'],
      rewraps: now['coffer_rewraps{state="running"}'],
      writing: now['coffer_bodies_written'],
    }).toEqual({
      ...{ keyHits: true, keyMisses: true, keys: true, rowHits: true, rowBytes: true, listed: 2 },
      ...{ commits: true, rows: true, syncs: true, blobSyncs: true, objects: 2, bytes: 1000, uploads: 1 },
      ...{ taken: 3, missed: true, held: 1, lanes: 1, waits: true, removed: 1, garbage: 0, rewraps: 0, writing: 0 },
    })
  })
  hook.close()
  hook.closeAllConnections()
})

it('each metric is in docs/metrics.md, and each of those is there', async () => {
  await using test = await startHouse()
  const text = await (await fetch(`${test.controlUrl}/metrics`)).text()
  const served = [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name)
  const document = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
  const rows = [...document.matchAll(/^\| (`[^|]*`(?:, `[^|]*`)*) \|/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
  )
  const isTold = (name: string) => rows.includes(name) || /^(process|nodejs)_/.test(name)
  expect(served.filter((name) => !isTold(name))).toEqual([])
  const elsewhere = ['coffer_tls_certificate_expiry_seconds', 'coffer_s3_thread_changes_total']
  expect(rows.filter((name) => !served.includes(name) && !elsewhere.includes(name))).toEqual([])
})
