import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import {
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3'
import { readPublicKeys } from '../../src/audit/keys.ts'
import { verifyLog } from '../../src/audit/verify.ts'
import { check } from '../faults/harness/check.ts'
import { eventReceiver } from '../faults/harness/event-receiver.ts'
import { WITH_VERSIONS } from '../faults/harness/load.ts'
import { createModel, FLEETING } from '../faults/harness/model.ts'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { keyOwner } from '../support/keys.ts'
import { readMetrics } from '../support/metrics.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { startServerProcess } from '../support/server-process.ts'
import { startSoakChores } from './chores.ts'
import { startSoakLoad, versionLedger } from './load.ts'
import { paceOf } from './pace.ts'
import { type Collected, type Sample, watchProcess } from './watch.ts'

export interface SoakOptions {
  /** Empty. */
  readonly directory: string
  readonly seed: string
  /** Requests of the load, about; an action may take a few. */
  readonly perSecond: number
  readonly workers: number
  readonly keysPerWorker: number
  readonly choreMs: number
  readonly threads: number
  readonly main?: string
}

export interface Soak {
  readonly pid: number
  readonly running: () => boolean
  readonly output: () => string
  readonly sample: (withDisk: boolean) => Promise<Sample>
  readonly collected: () => Promise<Collected>
  readonly stopLoad: () => Promise<void>
  /** With the load stopped: what was acknowledged, the index and the audit log. What is wrong. */
  readonly verify: () => Promise<readonly string[]>
  readonly violations: () => readonly string[]
  readonly figures: () => SoakFigures
  readonly close: () => Promise<void>
  readonly killNow: () => void
}

export interface SoakFigures {
  readonly counts: Readonly<Record<string, number>>
  readonly checked: { readonly objects: number; readonly versions: number; readonly bytes: number }
}

const SETTINGS = {
  COFFER_LOG_LEVEL: 'warn',
  COFFER_KMS_ROTATE_INTERVAL_MS: '0',
  COFFER_KMS_ENABLE_DELAY_MS: '0',
  COFFER_LIFECYCLE_DAY_SECONDS: '60',
  COFFER_SCRUB_INTERVAL_MS: '600000',
  COFFER_S3_KEY_CHECK_INTERVAL_MS: '60000',
}
const AGING: LifecycleRule = {
  ...{ ID: 'aging', Status: 'Enabled', Filter: { Prefix: FLEETING }, Expiration: { Days: 1 } },
  NoncurrentVersionExpiration: { NoncurrentDays: 1 },
}
/** A client that is used no longer has its connections closed. */
const CLIENT_LIFE_MS = 60_000
const CLIENT_GRACE_MS = 30_000

const sumOf = (metrics: Readonly<Record<string, number>>, name: string): number =>
  Object.entries(metrics).reduce((sum, [key, value]) => (key.startsWith(`${name}{`) ? sum + value : sum), 0)

export async function openSoak(options: SoakOptions): Promise<Soak> {
  const { directory, seed } = options
  const dataDir = path.join(directory, 'data')
  const own = path.join(directory, 'watch')
  await mkdir(own)
  const watch = await watchProcess(own)
  const events = await eventReceiver()
  const server = await startServerProcess({
    dataDir,
    bootstrapFile: await writeBootstrapFile(path.join(directory, 'bootstrap.json'), [mainAccount]),
    settings: { ...SETTINGS, ...events.settings, COFFER_S3_THREADS: `${options.threads}` },
    nodeOptions: watch.nodeOptions,
    ...(options.main === undefined ? {} : { main: options.main }),
  })
  const newClient = () => s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
  let client = newClient()
  const renewal = setInterval(() => {
    const old = client
    client = newClient()
    setTimeout(() => old.destroy(), CLIENT_GRACE_MS).unref()
  }, CLIENT_LIFE_MS)

  const { id: rootKeyId, crn } = await (await keyOwner(server.controlUrl)).newKey(`of ${seed}`)
  const buckets = ['provider-managed', 'customer-managed', WITH_VERSIONS]
  for (const Bucket of buckets) {
    await makeBucket(client, Bucket, Bucket === 'provider-managed' ? undefined : crn)
    const LifecycleConfiguration = { Rules: [AGING] }
    await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration }))
    const queue = { QueueArn: events.queueArn, Events: ['s3:ObjectCreated:*' as const, 's3:ObjectRemoved:*' as const] }
    const NotificationConfiguration = { QueueConfigurations: [queue] }
    await client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }))
  }
  const VersioningConfiguration = { Status: 'Enabled' as const }
  await client.send(new PutBucketVersioningCommand({ Bucket: WITH_VERSIONS, VersioningConfiguration }))

  const model = createModel()
  const versions = versionLedger()
  const over = new AbortController()
  const { workers, keysPerWorker, perSecond, choreMs } = options
  const { s3Url, controlUrl } = server
  const load = startSoakLoad(
    {
      ...{ client: () => client, s3Url, controlUrl, model, versions, buckets, workers, keysPerWorker, seed },
      turn: paceOf(perSecond, over.signal),
    },
    over.signal,
  )
  const chores = startSoakChores(
    { client: () => client, controlUrl, rootKeyId, buckets: buckets.slice(1), everyMs: choreMs },
    over.signal,
  )
  const checked = { objects: 0, versions: 0, bytes: 0 }

  return {
    pid: server.pid,
    running: server.running,
    output: server.output,
    sample: async (withDisk) => {
      const { atMs, values } = await watch.take(dataDir, withDisk)
      const level = sumOf(await readMetrics(server), 'coffer_metadata_memory_bytes')
      const { 'resident, not of files': own = 0, 'heap, resident': heap = 0, external = 0 } = values
      const rest = own - heap - external - level
      return { atMs, values: { ...values, 'memory of LevelDB': level, 'resident, of none of these': rest } }
    },
    collected: () => watch.collected(server.pid),
    stopLoad: async () => {
      over.abort()
      await Promise.all([load.ended, chores.ended])
    },
    verify: async () => {
      const found = await check(client, { ...model, versions: versions.all }, buckets, Number.POSITIVE_INFINITY)
      // Where there are versions, the newest event may tell of an old one that was removed.
      const withoutVersions = buckets.filter((bucket) => bucket !== WITH_VERSIONS)
      const { status, json } = await (await keyOwner(controlUrl)).call('POST', '/admin/v1/usage/recount')
      const keys = readPublicKeys(await (await fetch(`${controlUrl}/audit/public-key`)).text())
      const log = await verifyLog({ source: { type: 'directory', path: path.join(dataDir, 'audit') }, keys })
      Object.assign(checked, { objects: found.objects, versions: versions.all().length, bytes: found.bytes })
      return [
        ...found.violations,
        ...(await events.missing(model, withoutVersions)).map(
          (missing) => `no event told of what is acknowledged: ${missing}`,
        ),
        ...events.disorder().map((late) => `events of a key came in another order: ${late}`),
        ...(status === 200 && json.exact === true ? [] : [`the index is not a recount: ${JSON.stringify(json)}`]),
        ...(log.outcome === 'bad' ? [`the audit log is bad: ${JSON.stringify(log.first)}`] : []),
      ]
    },
    violations: () => [...load.violations(), ...chores.violations()],
    figures: () => ({ counts: { ...load.counts(), ...chores.counts() }, checked }),
    close: async () => {
      clearInterval(renewal)
      await server.stop()
      client.destroy()
      await events[Symbol.asyncDispose]()
    },
    killNow: () => {
      if (server.running()) process.kill(server.pid, 'SIGKILL')
    },
  }
}
