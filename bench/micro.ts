import { createCipheriv, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { newLease } from '../src/base/ids.ts'
import { newDek } from '../src/envelope/dek.ts'
import { logMark } from '../src/envelope/log-mark.ts'
import { recordCipher } from '../src/envelope/record-cipher.ts'
import { openPart, sealPart } from '../src/envelope/seal.ts'
import { HEADER_SIZE } from '../src/envelope/segment.ts'
import { headKey, SPACE } from '../src/objects/keyspace.ts'
import { openDiskStore } from '../src/storage/blob/disk-store.ts'
import { inspectLevelFiles } from '../src/storage/metadata/level-files.ts'
import { openLevelStore } from '../src/storage/metadata/level-store.ts'
import type { Write } from '../src/storage/metadata/metadata-store.ts'
import { openNonceSource } from '../src/storage/metadata/nonce-source.ts'
import { sealedStore } from '../src/storage/metadata/sealed-store.ts'
import { bodyOf, plain, testEngine } from '../test/support/engine.ts'
import { kmsWorld, rootKey } from '../test/support/kms-world.ts'

/** Single steps of a request, without HTTP: median of several runs, in CPU time where nothing waits. */
const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, keys: { type: 'string', default: '1000000' } },
})
const runs = Number(options.runs)
const MIB = 1024 * 1024

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

/** Microseconds of CPU for each call. */
function cpuMicros(times: number, act: () => void): number {
  for (let n = 0; n < times / 5; n++) act()
  return median(
    Array.from({ length: runs }, () => {
      const before = process.cpuUsage()
      for (let n = 0; n < times; n++) act()
      const { user, system } = process.cpuUsage(before)
      return (user + system) / times
    }),
  )
}

const home = await mkdtemp(path.join(tmpdir(), 'coffer-micro-'))
try {
  await steps()
  await stores()
} finally {
  await rm(home, { recursive: true })
}

async function steps(): Promise<void> {
  const world = await kmsWorld()
  const key = await rootKey(world)
  const dek = randomBytes(32)
  const aad = ['oef1', 'dek', 'bucket', 'envelope']
  const { ciphertext } = world.kms.wrap(world.serviceCaller, key, dek, aad)
  const wrap = cpuMicros(5000, () => void world.kms.wrap(world.serviceCaller, key, dek, aad))
  const unwrap = cpuMicros(5000, () => void world.kms.unwrap(world.serviceCaller, key, ciphertext, aad))
  console.log(`root key wrap / unwrap in process: ${wrap.toFixed(1)} / ${unwrap.toFixed(1)} µs of CPU`)

  let counter = 0
  const salt = randomBytes(32)
  const cipher = recordCipher(
    randomBytes(32),
    { next: () => ({ epoch: 1, salt, counter: ++counter }), salt: () => salt },
    'bench',
  )
  const record = randomBytes(250)
  const sealedRecord = cipher.seal(salt, record)
  const seal = cpuMicros(50_000, () => void cipher.seal(salt, record))
  const open = cpuMicros(50_000, () => void cipher.open(salt, sealedRecord))
  console.log(`seal / open a record of 250 B: ${seal.toFixed(1)} / ${open.toFixed(1)} µs of CPU`)

  using secret = newDek()
  const identity = { bucketId: 'bucket', key: 'key', blobId: randomBytes(16), partNumber: 0 }
  const body = [randomBytes(MIB)]
  const sealer = sealPart(secret, identity)
  const stored = Buffer.concat(sealer.bytes(body))
  const whole = { start: 0, end: MIB }
  const sealing = cpuMicros(300, () => void sealPart(secret, identity).bytes(body))
  const opening = cpuMicros(300, () => {
    using part = openPart(secret, identity, sealer.partSalt, MIB, stored.subarray(0, HEADER_SIZE), stored.length)
    part.bytes(whole, stored.subarray(HEADER_SIZE))
  })
  const raw = cpuMicros(300, () => {
    const gcm = createCipheriv('aes-256-gcm', dek, Buffer.alloc(12))
    for (let at = 0; at < MIB; at += 65_536) gcm.update(body[0]?.subarray(at, at + 65_536) ?? '')
    gcm.final()
  })
  const rate = (micros: number): string => `${(1e6 / micros).toFixed(0)} MiB`
  console.log(
    `sealing / opening 1 MiB: ${rate(sealing)} / ${rate(opening)} a second of CPU; AES-256-GCM alone ${rate(raw)}: ${(raw / sealing).toFixed(2)} / ${(raw / opening).toFixed(2)} of it`,
  )
}

/** LevelDB and disk store as a server has them, a key service in memory. */
async function stores(): Promise<void> {
  const onFailure = (error: Error): never => {
    throw error
  }
  const root = randomBytes(32)
  const directory = path.join(home, 'metadata')
  const mark = logMark(root, 'bench')
  const raw = await openLevelStore(directory, { mark, onFailure })
  const metadata = sealedStore(raw, recordCipher(root, await openNonceSource(raw), 'bench'))
  const blobs = await openDiskStore(path.join(home, 'blobs'), { lease: newLease(), reserveBytes: 0, onFailure })
  const engine = await testEngine({ stored: raw, metadata: () => metadata, blobs: () => blobs })
  const bucket = await engine.makeBucket()
  const body = randomBytes(1024)
  let made = 0
  const perSecond: number[] = []
  for (let run = 0; run < runs; run++) {
    const startedAt = performance.now()
    const each = 8000
    const worker = async (): Promise<void> => {
      while (made < (run + 1) * each)
        await engine.objects.put({ bucket, key: `put/${made++}`, body: bodyOf(body), ...plain })
    }
    await Promise.all(Array.from({ length: 64 }, worker))
    perSecond.push((each / (performance.now() - startedAt)) * 1000)
  }
  console.log(`durable puts of 1 KiB, 64 at once: ${median(perSecond).toFixed(0)} a second`)

  const [sample] = await metadata.range(SPACE.head, {
    gte: headKey(bucket.id, 'put/'),
    lt: headKey(bucket.id, 'put0'),
    limit: 1,
  })
  if (!sample) throw new Error('no object was stored')
  const total = Number(options.keys)
  for (let at = 0; at < total; at += 500) {
    const writes = Array.from({ length: 500 }, (_, n): Write => {
      const name = String(at + n).padStart(9, '0')
      return {
        type: 'put',
        space: SPACE.head,
        key: headKey(bucket.id, `${name.slice(0, 6)}/${name}`),
        value: sample.value,
      }
    })
    await metadata.commit(writes)
  }
  const gte = headKey(bucket.id, '000500/')
  const lt = headKey(bucket.id, ':')
  const wall = async (act: () => Promise<unknown>): Promise<string> => {
    const times: number[] = []
    for (let run = 0; run < runs; run++) {
      const startedAt = performance.now()
      await act()
      times.push(performance.now() - startedAt)
    }
    return median(times).toFixed(1)
  }
  const keys = await wall(() => metadata.range(SPACE.head, { gte, lt, limit: 1000 }))
  const prefix = headKey(bucket.id, '')
  const delimiter = Buffer.from('/')
  const groups = await wall(() =>
    metadata.groups(SPACE.head, { prefix, from: prefix, lt, delimiter, limit: Math.min(1000, total / 1000) }),
  )
  console.log(`1,000 keys / 1,000 common prefixes out of ${total}: ${keys} / ${groups} ms`)
  await engine.objects.close()
  await blobs.close()
  await metadata.close()
  const checked = await wall(() => inspectLevelFiles(directory, mark))
  console.log(`files of a store of ${total} keys, checked before it is opened: ${checked} ms`)
}
