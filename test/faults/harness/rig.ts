import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import {
  type Event,
  PutBucketLifecycleConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  type S3Client,
  type S3ServiceException,
} from '@aws-sdk/client-s3'
import { readPublicKeys } from '../../../src/audit/keys.ts'
import { verifyLog } from '../../../src/audit/verify.ts'
import { mainAccount, writeBootstrapFile } from '../../support/bootstrap.ts'
import { freePort } from '../../support/free-port.ts'
import { type KeyOwner, keyOwner } from '../../support/keys.ts'
import { emptyBucket, makeBucket, s3ClientFor } from '../../support/s3.ts'
import { type ServerProcess, startServerProcess } from '../../support/server-process.ts'
import { backupsOf } from './backups.ts'
import { abortUploads, check } from './check.ts'
import { startChores } from './chores.ts'
import { leftIn, settledUsage } from './disk.ts'
import { eventReceiver } from './event-receiver.ts'
import { startLoad, WITH_VERSIONS } from './load.ts'
import { createModel, FLEETING, type Model } from './model.ts'

export interface RigOptions {
  /** Empty directory of the rig's own. */
  readonly directory: string
  readonly seed: string
  readonly workers: number
  /** Keys of each worker in each bucket. */
  readonly keysPerWorker: number
  /** Under load at most, before the fault. */
  readonly loadMs: number
  readonly main?: string
  /** Pattern of places whose syncs do nothing: a control of the power cuts. */
  readonly lie?: string
  /** That serve S3. Default: one. */
  readonly threads?: number
  /** What goes on besides the load, again and again: looks of the scrub, backups. */
  readonly besides?: readonly Besides[]
  /** Starts go on without what the store has lost, so that it is for the model to find: a control, too. */
  readonly acceptsLoss?: boolean
}

export const BESIDES = ['scrub', 'backup'] as const
export type Besides = (typeof BESIDES)[number]

export interface RigSetup {
  /** Of every start of the server. */
  readonly settings?: Readonly<Record<string, string>>
  /** Where keys are made, when that is another process. */
  readonly keysUrl?: () => string
  readonly nodeOptions?: readonly string[]
  /** Called before the first start, with the directory that is to hold all that the server keeps. */
  readonly prepare?: (root: string) => Promise<void>
}

/** What a round has found and done. */
export interface Tally {
  readonly violations: string[]
  readonly acknowledged: Record<string, number>
  /** By kind and place. */
  readonly injected: Record<string, number>
  /** From spawn to ready, of every start after a fault. */
  readonly startsMs: number[]
  checkedObjects: number
  checkedBytes: number
}

/** A real server on a data directory of its own, and the model of what it must show. */
export interface Rig {
  /** Holds the data directory `data` and its key, nothing else. */
  readonly root: string
  readonly dataDir: string
  readonly client: S3Client
  readonly model: Model
  readonly buckets: readonly string[]
  /** Of the buckets under a key of the customer's; none before the first start. */
  readonly rootKeyId: () => string
  readonly tally: Tally
  readonly server: () => ServerProcess
  readonly keys: () => Promise<KeyOwner>
  readonly admin: () => Promise<KeyOwner>
  readonly start: (settings?: Readonly<Record<string, string>>, readyTimeoutMs?: number) => Promise<void>
  /** Load and chores while `act` runs. `ends`: how the server is gone before the load stops; left out, it stays. */
  readonly underLoad: (turn: UnderLoad) => Promise<void>
  readonly report: (violation: string) => void
  readonly injected: (what: string, times?: number) => void
  /** Everything against the model, with the server that runs: objects, listing, events, index, audit log. */
  readonly verify: () => Promise<void>
  /** Deletes all there is, stops, starts and says what is left on the disk. */
  readonly finish: () => Promise<void>
  readonly close: () => Promise<void>
}

export interface UnderLoad {
  readonly seed: string
  readonly act: () => Promise<void>
  readonly excuses?: (error: S3ServiceException) => boolean
  /** Kills the server as soon as `act` is over. */
  readonly kill?: boolean
}

const SETTINGS = {
  COFFER_LOG_LEVEL: 'warn',
  COFFER_KMS_ROTATE_INTERVAL_MS: '0',
  COFFER_KMS_ENABLE_DELAY_MS: '0',
  COFFER_REWRAP_PER_SECOND: '0',
  COFFER_LIFECYCLE_PER_SECOND: '0',
  COFFER_LIFECYCLE_DAY_SECONDS: '1',
  COFFER_AUDIT_FILE_BYTES: '262144',
}
const AGING = { ID: 'aging', Status: 'Enabled', Filter: { Prefix: FLEETING }, Expiration: { Days: 1 } } as const

export async function openRig(options: RigOptions, setup: RigSetup = {}): Promise<Rig> {
  const { directory, seed, workers, keysPerWorker, besides = [] } = options
  const root = path.join(directory, 'store')
  const dataDir = path.join(root, 'data')
  await mkdir(root, { mode: 0o700 })
  await setup.prepare?.(root)
  const start = {
    dataDir,
    bootstrapFile: await writeBootstrapFile(path.join(directory, 'bootstrap.json'), [mainAccount]),
    s3Port: await freePort(),
    controlPort: await freePort(),
    ...(setup.nodeOptions === undefined ? {} : { nodeOptions: setup.nodeOptions }),
    ...(options.main === undefined ? {} : { main: options.main }),
  }
  const tally: Tally = {
    violations: [],
    acknowledged: {},
    injected: {},
    startsMs: [],
    checkedObjects: 0,
    checkedBytes: 0,
  }
  const model = createModel()
  const events = await eventReceiver()
  const threads = options.threads === undefined ? {} : { COFFER_S3_THREADS: `${options.threads}` }
  const accepting: Record<string, string> = options.acceptsLoss ? { COFFER_ACCEPT_METADATA_LOSS: 'true' } : {}
  const scrubbing: Record<string, string> = besides.includes('scrub') ? { COFFER_SCRUB_MIB_PER_SECOND: '0' } : {}
  const startServer = (more: Readonly<Record<string, string>> = {}, readyTimeoutMs = 60_000) =>
    startServerProcess({
      ...start,
      readyTimeoutMs,
      settings: { ...SETTINGS, ...threads, ...accepting, ...scrubbing, ...events.settings, ...setup.settings, ...more },
    })
  let server = await startServer()
  const client = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
  const keysUrl = setup.keysUrl ?? (() => server.controlUrl)
  const { id: rootKeyId, crn } = await (await keyOwner(keysUrl())).newKey(`of ${seed}`)
  const buckets = ['provider-managed', 'customer-managed', WITH_VERSIONS]
  await makeBucket(client, 'provider-managed')
  for (const bucket of buckets.slice(1)) await makeBucket(client, bucket, crn)
  for (const Bucket of buckets) {
    await client.send(
      new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [AGING] } }),
    )
  }
  const Events: Event[] = ['s3:ObjectCreated:*', 's3:ObjectRemoved:*']
  const NotificationConfiguration = { QueueConfigurations: [{ QueueArn: events.queueArn, Events }] }
  // What is told of is written by one thread alone: the others have to have something to write, too.
  const told = (options.threads ?? 1) > 1 ? ['customer-managed'] : buckets
  for (const Bucket of told) {
    await client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }))
  }
  await client.send(
    new PutBucketVersioningCommand({ Bucket: WITH_VERSIONS, VersioningConfiguration: { Status: 'Enabled' } }),
  )

  const report = (violation: string): void => void tally.violations.push(violation)
  const backups = backupsOf({ directory, dataDir, settings: { ...SETTINGS, ...threads, ...setup.settings } })
  const rig: Rig = {
    root,
    dataDir,
    client,
    model,
    buckets,
    tally,
    rootKeyId: () => rootKeyId,
    server: () => server,
    keys: () => keyOwner(keysUrl()),
    admin: () => keyOwner(server.controlUrl),
    start: async (more, readyTimeoutMs) => {
      server = await startServer(more, readyTimeoutMs)
      tally.startsMs.push(server.startedInMs)
    },
    report,
    injected: (what, times = 1) => {
      tally.injected[what] = (tally.injected[what] ?? 0) + times
    },
    underLoad: async ({ seed, act, excuses, kill = false }) => {
      const over = new AbortController()
      const excused = excuses === undefined ? {} : { excuses }
      const load = startLoad({ client, model, buckets, workers, keysPerWorker, seed, ...excused }, over.signal)
      const chores = Promise.all([
        startChores({ rig, bucket: 'customer-managed', seed, scrubs: besides.includes('scrub') }, over.signal),
        ...(besides.includes('backup') ? [backups.during(over.signal)] : []),
      ])
      try {
        await act()
      } finally {
        over.abort()
        if (kill) await server.kill()
        await Promise.all([load.ended, chores])
      }
      for (const violation of load.violations()) report(violation)
      for (const [name, count] of Object.entries(load.counts())) {
        if (!['get', 'failed', 'nothing'].includes(name))
          tally.acknowledged[name] = (tally.acknowledged[name] ?? 0) + count
      }
    },
    verify: async () => {
      const result = await check(client, model, buckets)
      tally.checkedObjects += result.objects
      tally.checkedBytes += result.bytes
      for (const violation of result.violations) report(violation)
      for (const bucket of buckets) await abortUploads(client, bucket)
      for (const missing of await events.missing(model, told))
        report(`no event told of what is acknowledged: ${missing}`)
      for (const late of events.disorder()) report(`events of a key came in another order: ${late}`)
      await verifyIndex(server, report)
      await verifyAudit(server, dataDir, report)
      if (besides.includes('scrub')) await verifyScrub(server, report)
    },
    finish: async () => {
      if (besides.includes('backup')) {
        for (const wrong of await backups.drill(model, buckets)) report(wrong)
        tally.acknowledged['backup'] = backups.taken()
      }
      for (const bucket of buckets) await emptyBucket(client, bucket)
      await settledUsage(dataDir, 30_000)
      await server.stop()
      server = await startServer()
      const left = await leftIn(path.join(dataDir, 'blobs'), 30_000)
      if (left.bytes > 0) report(`when all was deleted, ${left.bytes} bytes in ${left.files} files belong to no object`)
      await verifyIndex(server, report)
      await server.stop()
    },
    close: async () => {
      await server.kill()
      client.destroy()
      await events[Symbol.asyncDispose]()
    },
  }
  return rig
}

async function verifyIndex(server: ServerProcess, report: Rig['report']): Promise<void> {
  const { status, json } = await (await keyOwner(server.controlUrl)).call('POST', '/admin/v1/usage/recount')
  if (status !== 200 || json.exact !== true) report(`the index is not what a recount finds: ${JSON.stringify(json)}`)
}

/** All that the load has left is read: whatever is found is damage that nobody did. */
async function verifyScrub(server: ServerProcess, report: Rig['report']): Promise<void> {
  const owner = await keyOwner(server.controlUrl)
  const { json } = await owner.call('GET', '/admin/v1/scrub/findings')
  if (json.findings?.length !== 0) report(`the scrub found damage: ${JSON.stringify(json)}`)
}

async function verifyAudit(server: ServerProcess, dataDir: string, report: Rig['report']): Promise<void> {
  const keys = readPublicKeys(await (await fetch(`${server.controlUrl}/audit/public-key`)).text())
  const log = await verifyLog({ source: { type: 'directory', path: path.join(dataDir, 'audit') }, keys })
  if (log.outcome === 'bad') report(`the audit log is bad: ${JSON.stringify(log.first)}`)
}
