import { hash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { cpus, release } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { AbortMultipartUploadCommand, CreateMultipartUploadCommand } from '@aws-sdk/client-s3'
import { makeBucket } from '../test/support/s3.ts'
import { cpuSeconds } from './support/cpu-seconds.ts'
import { bareServer, type MachineLimits, machineLimits } from './support/limits.ts'
import { type LoadResult, runLoad } from './support/load.ts'
import { peersNamed, startPeer } from './support/peer-process.ts'
import { type PlannedRequest, writePlan } from './support/plan.ts'
import { prove } from './support/prove.ts'
import { peakResidentBytes } from './support/resident-memory.ts'
import { scratchDirectory } from './support/scratch.ts'
import { startCoffer, type Target, VARIANTS, withBucket } from './support/target.ts'
import { type HashOf, KIB, keyOf, LISTED, listedKeys, MIB, put, type Workload, workloads } from './support/workloads.ts'

/** S3 over HTTP, next to what the machine can do at most and, with --against, next to other servers: all take turns. */
const { values: options } = parseArgs({
  options: {
    operations: { type: 'string', default: 'put,get,head,range,list,folders,delete,mixed,part' },
    'sizes-kib': { type: 'string', default: '1,16,64,1024,65536' },
    concurrency: { type: 'string', default: '1,16,64' },
    'seconds-each': { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    /** `name=http://host:port,access key,secret key[,pid]`, as often as wanted. */
    against: { type: 'string', multiple: true, default: [] },
    /** Names out of bench/peers, or `all` that are installed: started here, each in a fresh directory. */
    peers: { type: 'string' },
    'peers-dir': { type: 'string', default: process.env['COFFER_BENCH_PEERS_DIR'] },
    /** Of Coffer, in one or several ways; none with --only-others. */
    variants: { type: 'string', default: 'coffer' },
    'only-others': { type: 'boolean', default: false },
    /** Keys in the bucket that LIST reads pages of. */
    'listed-keys': { type: 'string', default: '20000' },
  },
})

interface Row {
  readonly perSecond: number
  readonly load: LoadResult
  readonly cpuMicros: number | undefined
  readonly keyCalls: number | undefined
}

/** Operations that are not done with objects of every size. */
const FIXED_SIZE_KIB: Readonly<Record<string, readonly number[]>> = { list: [0], folders: [0], part: [8 * KIB] }

const measuredMs = Number(options['seconds-each']) * 1000
const rounds = Number(options.rounds)
const home = scratchDirectory('coffer-bench')
const payload = path.join(home, 'payload')
const bytes = randomBytes(64 * MIB)
await writeFile(payload, bytes)
const hashes = new Map<number, string>()
const hashOf: HashOf = (size) => {
  const known = hashes.get(size) ?? hash('sha256', bytes.subarray(0, size), 'hex')
  hashes.set(size, known)
  return known
}

{
  await using scope = new AsyncDisposableStack()
  const targets: Target[] = []
  for (const name of options['only-others'] ? [] : options.variants.split(',')) {
    const variant = VARIANTS.find((one) => one === name)
    if (!variant) throw new Error(`there is no variant ${name}; there are ${VARIANTS.join(', ')}`)
    targets.push(await startCoffer(variant, home, scope))
  }
  for (const text of options.against) targets.push(await other(text))
  targets.push(...(await peersStarted(scope)))
  for (const target of targets) await prove({ ...target, dir: home, payload, hashOf })
  const bare = scope.use(await bareServer(home, payload))
  console.log(
    `Node ${process.version}, Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model}, ${rounds} rounds of ${measuredMs / 1000} s`,
  )
  const limits = await machineLimits(home)
  tellLimits(limits)
  let count = 0
  for (const [operation, size, connections] of combinations()) {
    const workload = workloads(hashOf)[operation]?.(size * KIB)
    if (!workload) throw new Error(`there is no operation ${operation}`)
    const rows = new Map<Target, Row[]>(targets.map((target) => [target, []]))
    const bareRows: number[] = []
    const bareCpu: number[] = []
    const fileFirstByteMs: number[] = []
    for (let round = 0; round < rounds; round++) {
      const method = workload.limit === 'put' ? 'PUT' : 'GET'
      const sizeBytes = workload.limit === 'head' ? 0 : workload.usefulBytes
      const least = await bare.load({ method, sizeBytes, connections, measuredMs: 1000, payload })
      bareRows.push(least.answers / least.seconds)
      bareCpu.push(least.cpuMicros)
      if (workload.limit === 'get' && workload.usefulBytes >= MIB) {
        const file = await bare.load({ method, from: 'file', sizeBytes, connections, measuredMs: 1000, payload })
        fileFirstByteMs.push(file.firstByteP50Ms)
      }
      for (const target of targets) rows.get(target)?.push(await measured(target, workload, connections, `${count++}`))
    }
    tell(workload, connections, rows, limits, { perSecond: median(bareRows), cpuMicros: median(bareCpu) })
    if (fileFirstByteMs.length > 0)
      console.log(`  a bare file server: first byte ${median(fileFirstByteMs).toFixed(2)} ms`)
  }
  for (const { name, pids } of targets) {
    if (pids().length > 0)
      console.log(`${name}: at most ${(sum(pids().map(peakResidentBytes)) / MIB).toFixed(0)} MiB resident`)
  }
}

function* combinations(): Generator<[operation: string, sizeKib: number, connections: number]> {
  const numbers = (text: string): number[] => text.split(',').map(Number)
  for (const operation of options.operations.split(',')) {
    const sizes = FIXED_SIZE_KIB[operation] ?? numbers(options['sizes-kib'])
    for (const size of sizes)
      for (const connections of numbers(options.concurrency)) yield [operation, size, connections]
  }
}

async function peersStarted(scope: AsyncDisposableStack): Promise<readonly Target[]> {
  if (options.peers === undefined) return []
  const { peersDir, chosen } = peersNamed(options.peers, options['peers-dir'])
  const targets: Target[] = []
  for (const peer of chosen) {
    const { endpoint, pids } = scope.use(await startPeer(peer, peersDir, home))
    console.log(`${peer.name} ${peer.version}\n  durable: ${peer.durability}\n  encrypted: ${peer.encryption}`)
    const make: Parameters<typeof withBucket>[3] = async (client, bucket) => {
      await makeBucket(client, bucket)
      await peer.prepareBucket?.(client, bucket)
    }
    targets.push(await withBucket(peer.name, endpoint, pids, make))
  }
  return targets
}

async function other(text: string): Promise<Target> {
  const [, name, url, accessKeyId, secretAccessKey, pids] =
    /^([^=]+)=(http:[^,]+),([^,]+),([^,]+)(?:,([\d+]+))?$/.exec(text) ?? []
  if (!name || !url || !accessKeyId || !secretAccessKey) {
    throw new Error(`--against ${text}: name=http://host:port,access key,secret key[,pid+pid]`)
  }
  const endpoint = { authority: new URL(url).host, accessKeyId, secretAccessKey, region: 'us-east-1' }
  const known = pids?.split('+').map(Number) ?? []
  return await withBucket(name, endpoint, () => known, makeBucket)
}

async function measured(target: Target, workload: Workload, connections: number, run: string): Promise<Row> {
  await fill(target, workload.filled)
  if (workload.name === 'DELETE') {
    await send(target, deletable(target, workload, run), {
      connections: 64,
      warmUpMs: 0,
      measuredMs: 120_000,
      loop: false,
    })
  }
  if (workload.listed) await fillListed(target)
  const uploads = await begun(target, workload.uploads ?? 0, run)
  const before = cpuOf(target)
  const callsBefore = await target.keyCalls?.()
  const requests = workload.requests(target.bucket, run, uploads)
  const load = await send(target, requests, { connections, warmUpMs: measuredMs / 4, measuredMs, loop: workload.loop })
  if (load.failures > 0) console.error(`${target.name}: ${load.failures} failures: ${load.firstFailure}`)
  const after = cpuOf(target)
  const cpuMicros = before === undefined || after === undefined ? undefined : ((after - before) * 1e6) / load.allAnswers
  const callsAfter = await target.keyCalls?.()
  const keyCalls =
    callsBefore === undefined || callsAfter === undefined
      ? undefined
      : ((callsAfter - callsBefore) * 1000) / load.allAnswers
  for (const { Key, UploadId } of uploads) {
    await target.client.send(new AbortMultipartUploadCommand({ Bucket: target.bucket, Key, UploadId }))
  }
  return { perSecond: load.answers / load.seconds, load, cpuMicros, keyCalls }
}

async function begun({ client, bucket }: Target, count: number, run: string) {
  const all: { Key: string; UploadId: string }[] = []
  for (let n = 0; n < count; n++) {
    const Key = `upload/${run}/${n}`
    const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))
    all.push({ Key, UploadId })
  }
  return all
}

async function fillListed(target: Target): Promise<void> {
  if (target.filled.has(LISTED)) return
  const keys = listedKeys(Number(options['listed-keys']))
  const requests = keys.map((key) => put(target.bucket, key, 1, hashOf))
  const load = await send(target, requests, { connections: 64, warmUpMs: 0, measuredMs: 3_600_000, loop: false })
  if (load.failures > 0) throw new Error(`${target.name} could not be filled: ${load.firstFailure}`)
  target.filled.add(LISTED)
}

function* deletable({ bucket }: Target, { requests, sizeBytes }: Workload, run: string): Generator<PlannedRequest> {
  for (const { path: name } of requests(bucket, run, []))
    yield put(bucket, name.slice(bucket.length + 2), sizeBytes, hashOf)
}

async function fill(target: Target, { count, sizeBytes }: Workload['filled']): Promise<void> {
  if (count === 0 || target.filled.has(sizeBytes)) return
  const requests = Array.from({ length: count }, (_, n) => put(target.bucket, keyOf(sizeBytes, n), sizeBytes, hashOf))
  const load = await send(target, requests, { connections: 16, warmUpMs: 0, measuredMs: 120_000, loop: false })
  if (load.failures > 0) throw new Error(`${target.name} could not be filled: ${load.firstFailure}`)
  target.filled.add(sizeBytes)
}

async function send(
  { endpoint }: Target,
  requests: Iterable<PlannedRequest>,
  options: Pick<Parameters<typeof runLoad>[0], 'connections' | 'warmUpMs' | 'measuredMs' | 'loop'>,
): Promise<LoadResult> {
  const plan = path.join(home, 'plan')
  await writePlan(plan, endpoint, requests)
  const { hostname: host, port } = new URL(`http://${endpoint.authority}`)
  return await runLoad({ host, port: Number(port), tls: endpoint.ca !== undefined, plan, payload, ...options })
}

function cpuOf({ pids }: Target): number | undefined {
  const all = pids()
  return all.length === 0 ? undefined : sum(all.map(cpuSeconds))
}

function tellLimits({ gcm, md5, sha256, disk, syncs }: MachineLimits): void {
  const mib = (rate: number): string => (rate / MIB).toFixed(0)
  console.log(
    `one core: AES-256-GCM ${mib(gcm)}, MD5 ${mib(md5)}, SHA-256 ${mib(sha256)} MiB/s; disk: ${mib(disk)} MiB/s appended and synced, ${syncs.toFixed(0)} small syncs a second`,
  )
}

function tell(
  { name, sizeBytes, usefulBytes, limit }: Workload,
  connections: number,
  rows: ReadonlyMap<Target, readonly Row[]>,
  limits: MachineLimits,
  bare: { readonly perSecond: number; readonly cpuMicros: number },
): void {
  const size = sizeBytes >= MIB ? `${sizeBytes / MIB} MiB` : sizeBytes > 0 ? `${sizeBytes / KIB} KiB` : ''
  const bound = bindingLimit(limit, usefulBytes, limits, bare.perSecond)
  console.log(
    `${name} ${size}, ${connections} connections: bare node:http ${bare.perSecond.toFixed(0)}/s, ${bare.cpuMicros.toFixed(0)} µs; bound by ${bound.name}: ${bound.perSecond.toFixed(0)}/s`,
  )
  for (const [target, all] of rows) {
    const rates = all.map(({ perSecond }) => perSecond)
    const middle = median(rates)
    const of = (pick: (row: Row) => number): string => median(all.map(pick)).toFixed(2)
    const cpu = all.every(({ cpuMicros }) => cpuMicros !== undefined)
      ? median(all.map((row) => row.cpuMicros ?? 0))
      : undefined
    const figures = [
      `${middle.toFixed(middle < 100 ? 1 : 0)}/s (${Math.min(...rates).toFixed(0)}–${Math.max(...rates).toFixed(0)})`,
      ...(usefulBytes > 0 ? [`${((middle * usefulBytes) / MIB).toFixed(1)} MiB/s`] : []),
      `p50 ${of((row) => row.load.p50Ms)} ms`,
      `p99 ${of((row) => row.load.p99Ms)} ms`,
      `first byte ${of((row) => row.load.firstByteP50Ms)} ms`,
      ...(cpu === undefined ? [] : [`${cpu.toFixed(0)} µs of CPU (${(cpu / bare.cpuMicros).toFixed(1)} × bare)`]),
      `${(middle / bound.perSecond).toFixed(2)} of the bound`,
      ...(all[0]?.keyCalls === undefined
        ? []
        : [`${median(all.map((row) => row.keyCalls ?? 0)).toFixed(1)} key calls per 1,000`]),
    ]
    console.log(`  ${target.name}: ${figures.join(', ')}`)
  }
}

/** The slowest of what nobody can leave out. */
function bindingLimit(
  limit: Workload['limit'],
  bytes: number,
  { gcm, md5, disk }: MachineLimits,
  barePerSecond: number,
): { readonly name: string; readonly perSecond: number } {
  const stages = [{ name: 'node:http', perSecond: barePerSecond }]
  if (limit !== 'head') stages.push({ name: 'AES-256-GCM on one core', perSecond: gcm / bytes })
  if (limit === 'put') {
    stages.push({ name: 'MD5 on one core', perSecond: md5 / bytes }, { name: 'the disk', perSecond: disk / bytes })
  }
  return stages.reduce((least, stage) => (stage.perSecond < least.perSecond ? stage : least))
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
