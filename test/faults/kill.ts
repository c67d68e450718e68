import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { PutBucketVersioningCommand, type S3Client } from '@aws-sdk/client-s3'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { diceFrom } from '../support/content.ts'
import { createRootKey } from '../support/control-api.ts'
import { emptyBucket, makeBucket, s3ClientFor } from '../support/s3.ts'
import { freePort, type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { abortUploads, check } from './kill/check.ts'
import { settledUsage } from './kill/disk.ts'
import { startLoad, WITH_VERSIONS } from './kill/load.ts'
import { createModel } from './kill/model.ts'

/**
 * Kills a real server under mixed load again and again, and checks after each restart that every acknowledged write
 * reads back byte for byte, that nothing half-written shows, and that the listing agrees with the objects.
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    /** Repeats the choices of a run; what the server had done when it was killed still differs. */
    seed: { type: 'string', default: randomBytes(6).toString('hex') },
    workers: { type: 'string', default: '8' },
    /** Keys of each worker in each bucket. */
    keys: { type: 'string', default: '12' },
    /** Longest time under load before the kill. */
    'load-ms': { type: 'string', default: '2500' },
    /** Provider-managed bucket only: for a server without key management. */
    plain: { type: 'boolean', default: false },
    /** Keep the data directory. */
    keep: { type: 'boolean', default: false },
    server: { type: 'string' },
  },
})

const rounds = Number(options.rounds)
const dice = diceFrom(options.seed)
const home = await mkdtemp(path.join(tmpdir(), 'coffer-kill-'))
const dataDir = path.join(home, 'data')
await mkdir(dataDir, { mode: 0o700 })
const serverOptions = {
  dataDir,
  bootstrapFile: await writeBootstrapFile(path.join(home, 'bootstrap.json'), [mainAccount]),
  s3Port: await freePort(),
  controlPort: await freePort(),
  ...(options.server === undefined ? {} : { main: options.server }),
}
const model = createModel()
const violations: string[] = []
const totals: Record<string, number> = {}
const startsMs: number[] = []

console.log(`seed ${options.seed}, ${rounds} rounds, data in ${dataDir}`)
let server = await startServerProcess(serverOptions)
const client = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
const buckets = await makeBuckets(server, client)

for (let round = 1; round <= rounds; round++) {
  const counts = await loadAndKill(round)
  const interruptedStarts = await startAgain()
  const result = await check(client, model, buckets)
  let aborted = 0
  for (const bucket of buckets) aborted += await abortUploads(client, bucket)
  const disk = await settledUsage(dataDir, 10_000)
  report(round, result.violations)
  const load = Object.entries(counts).map(([name, count]) => `${name} ${count}`)
  console.log(
    `round ${round}: ${load.join(', ')}; ${result.objects} objects of ${mib(result.bytes)} read back; ` +
      `${aborted} open uploads; ${interruptedStarts} starts killed; ${mib(disk.bytes)} in ${disk.files} files on disk`,
  )
}
const left = await emptyAndMeasure()
if (left.bytes > 0) report(rounds, [`${left.bytes} bytes in ${left.files} files belong to no object`])
if (!server.running()) report(rounds, [`the server ended by itself:\n${server.output()}`])
await server.stop()

const acknowledged = Object.entries(totals).filter(
  ([name]) => name !== 'get' && name !== 'failed' && name !== 'nothing',
)
console.log(
  `kill: seed ${options.seed}, ${rounds} rounds, ${acknowledged.reduce((sum, [, count]) => sum + count, 0)} acknowledged writes ` +
    `(${acknowledged.map(([name, count]) => `${name} ${count}`).join(', ')}), slowest restart ${Math.max(...startsMs).toFixed(0)} ms, ` +
    `${mib(left.bytes)} in ${left.files} files when emptied, ${violations.length} violations`,
)
if (options.keep || violations.length > 0) console.log(`data kept in ${home}`)
else await rm(home, { recursive: true })
process.exit(violations.length === 0 ? 0 : 1)

async function makeBuckets(server: ServerProcess, client: S3Client): Promise<readonly string[]> {
  await makeBucket(client, 'provider-managed')
  if (options.plain) return ['provider-managed']
  const { crn } = await createRootKey(server.controlUrl, 'kill')
  await makeBucket(client, 'customer-managed', crn)
  await makeBucket(client, WITH_VERSIONS, crn)
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await client.send(new PutBucketVersioningCommand({ Bucket: WITH_VERSIONS, VersioningConfiguration }))
  return ['provider-managed', 'customer-managed', WITH_VERSIONS]
}

async function loadAndKill(round: number): Promise<Readonly<Record<string, number>>> {
  const killed = new AbortController()
  const shape = { workers: Number(options.workers), keysPerWorker: Number(options.keys) }
  const load = startLoad({ client, model, buckets, ...shape, seed: `${options.seed}/${round}` }, killed.signal)
  await sleep(100 + dice.below(Number(options['load-ms'])))
  if (!server.running()) report(round, [`the server ended by itself:\n${server.output()}`])
  killed.abort()
  await server.kill()
  await load.ended
  report(round, load.violations())
  for (const [name, count] of Object.entries(load.counts())) totals[name] = (totals[name] ?? 0) + count
  return load.counts()
}

/** Starts on the same data; now and then the start, and with it the recovery, is killed as well. */
async function startAgain(): Promise<number> {
  let interrupted = 0
  while (dice.below(5) === 0) {
    await startServerProcess({ ...serverOptions, readyTimeoutMs: 50 + dice.below(700) }).then(
      (early) => early.kill(),
      () => undefined,
    )
    interrupted++
  }
  server = await startServerProcess(serverOptions)
  startsMs.push(server.startedInMs)
  return interrupted
}

/** What stays on disk when nothing is stored any more, after a clean stop and the sweep of the next start. */
async function emptyAndMeasure(): Promise<{ readonly files: number; readonly bytes: number }> {
  for (const bucket of buckets) await emptyBucket(client, bucket)
  await settledUsage(dataDir, 30_000)
  await server.stop()
  server = await startServerProcess(serverOptions)
  return settledUsage(path.join(dataDir, 'blobs'), 30_000)
}

function report(round: number, found: readonly string[]): void {
  for (const violation of found) console.log(`VIOLATION in round ${round}: ${violation}`)
  violations.push(...found)
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
