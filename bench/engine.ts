import crypto from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

// What a small write costs in the object engine alone, without HTTP, identities and the audit log: CPU of all threads and
// crypto objects for each operation, 64 at once, over LevelDB and packs on the disk, with the embedded key service.
const { values: options } = parseArgs({
  options: {
    'sizes-kib': { type: 'string', default: '1,16,64' },
    runs: { type: 'string', default: '5' },
    operations: { type: 'string', default: '4000' },
    'bucket-keys': { type: 'boolean', default: false },
  },
})
const CLIENTS = 64
const COUNTED = [
  ...['createHmac', 'createHash', 'hash', 'createCipheriv', 'createDecipheriv', 'createSecretKey'],
  ...['randomFillSync', 'randomBytes', 'randomUUID', 'hkdfSync'],
]

const counts = new Map<string, number>()
// Before the modules that import them. Plain calls are passed through, so the figures of CPU hold.
for (const name of COUNTED) {
  const inner: unknown = Reflect.get(crypto, name)
  if (typeof inner !== 'function') throw new Error(`node:crypto has no ${name}`)
  Reflect.set(crypto, name, (...args: unknown[]): unknown => {
    counts.set(name, (counts.get(name) ?? 0) + 1)
    return Reflect.apply(inner, crypto, args)
  })
}
syncBuiltinESMExports()

const { newLease } = await import('../src/base/ids.ts')
const { cachedProvider } = await import('../src/envelope/cached-provider.ts')
const { logMark } = await import('../src/envelope/log-mark.ts')
const { recordCipher } = await import('../src/envelope/record-cipher.ts')
const { RANDOM_NONCE_LIMIT, budgetedProvider } = await import('../src/envelope/wrap-budget.ts')
const { keyCrn } = await import('../src/kms/key-view.ts')
const { embeddedProvider } = await import('../src/providers/embedded.ts')
const { routedProvider } = await import('../src/providers/routed-provider.ts')
const { openDiskStore } = await import('../src/storage/blob/disk-store.ts')
const { openLevelStore } = await import('../src/storage/metadata/level-store.ts')
const { openNonceSource } = await import('../src/storage/metadata/nonce-source.ts')
const { sealedStore } = await import('../src/storage/metadata/sealed-store.ts')
const { bodyOf, plain, testEngine } = await import('../test/support/engine.ts')
const { KMS_INSTANCE, kmsWorld, rootKey, storageCrn, storageService } = await import('../test/support/kms-world.ts')

const runs = Number(options.runs)
const each = Number(options.operations)
const home = await mkdtemp(path.join(tmpdir(), 'coffer-engine-'))
const onFailure = (error: Error): never => {
  throw error
}

async function keys() {
  const world = await kmsWorld()
  const key = await rootKey(world)
  world.events.push = () => 0
  const instance = world.iam.instance(KMS_INSTANCE)
  if (!instance) throw new Error('there is no key service')
  const iam = { instance: world.iam.instance, servicePrincipal: () => storageService() }
  const embedded = cachedProvider(embeddedProvider({ kms: world.kms, iam }), { permitMs: 0 })
  const routed = routedProvider({ local: { owns: () => true, provider: embedded }, routes: [] })
  let reserved = 0
  const provider = budgetedProvider(routed, {
    counts: {
      reserved: async () => 0,
      reserve: async (_crn, _version, wraps) => {
        reserved += wraps
        return reserved
      },
    },
    limit: RANDOM_NONCE_LIMIT,
    onNearLimit: () => {},
  })
  return { provider, rootKeyCrn: keyCrn(instance, key) }
}

interface Cost {
  /** Of the main thread alone, and of all. */
  readonly main: number
  readonly all: number
  readonly objects: string
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

/** Median of the runs, after one that warms up. */
async function cost(act: (at: number) => Promise<unknown>): Promise<Cost> {
  const main: number[] = []
  const all: number[] = []
  let done = 0
  for (let run = 0; run <= runs; run++) {
    counts.clear()
    const before = { main: process.threadCpuUsage(), all: process.cpuUsage() }
    const end = done + each
    const client = async (): Promise<void> => {
      while (done < end) await act(done++)
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
    if (run === 0) continue
    main.push(perOperation(process.threadCpuUsage(before.main)))
    all.push(perOperation(process.cpuUsage(before.all)))
  }
  const objects = [...counts].map(([name, count]) => `${name} ${(count / each).toFixed(1)}`).join(', ')
  return { main: median(main), all: median(all), objects }
}

const perOperation = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / each

const print = (what: string, { main, all, objects }: Cost): void =>
  console.log(`${what}: ${main.toFixed(0)} µs of CPU in the main thread, ${all.toFixed(0)} in all; ${objects}`)

try {
  const root = crypto.randomBytes(32)
  const mark = logMark(root, 'bench')
  const stored = await openLevelStore(path.join(home, 'metadata'), { mark, onFailure })
  const metadata = sealedStore(stored, recordCipher(root, await openNonceSource(stored), 'bench'))
  const blobs = await openDiskStore(path.join(home, 'blobs'), { lease: newLease(), reserveBytes: 0, onFailure })
  const { provider, rootKeyCrn } = await keys()
  const { objects, newBucket } = await testEngine({
    stored,
    metadata: () => metadata,
    blobs: () => blobs,
    provider: () => provider,
  })
  const bucketKey = options['bucket-keys'] ?? false
  const bucket = await objects.createBucket({
    ...newBucket,
    ...{ rootKeyCrn, serviceInstanceCrn: storageCrn(), bucketKey },
  })
  for (const kib of (options['sizes-kib'] ?? '').split(',').map(Number)) {
    const body = crypto.randomBytes(kib * 1024)
    const put = (at: number) => objects.put({ bucket, key: `${kib}/${at}`, body: bodyOf(body), ...plain })
    print(`put of ${kib} KiB`, await cost(put))
    print(`replacing put of ${kib} KiB`, await cost(put))
    print(`delete of ${kib} KiB`, await cost((at) => objects.delete({ bucket, key: `${kib}/${at}`, conditions: {} })))
  }
  await objects.close()
  await blobs.close()
  await metadata.close()
} finally {
  await rm(home, { recursive: true })
}
