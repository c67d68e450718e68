import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { mainAccount, objectStorageCrn, writeBootstrapFile } from '../support/bootstrap.ts'
import { createRootKey } from '../support/control-api.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { awsCli } from './aws-cli.ts'
import { awsLibStorage } from './aws-lib-storage.ts'
import { boto3 } from './boto3.ts'
import { bucketNameFor, isMissing } from './check.ts'
import type { Client, Connection, Step, Target } from './client.ts'
import { cosSdkConfig } from './cos-sdk-config.ts'
import { ansible } from './flows/ansible.ts'
import { awsSync } from './flows/aws-sync.ts'
import { backupCopies } from './flows/backup-copies.ts'
import { boto3Transfers } from './flows/boto3-transfers.ts'
import { duplicity } from './flows/duplicity.ts'
import { mc } from './flows/mc.ts'
import { minioFlows } from './flows/minio-flows.ts'
import { nats } from './flows/nats.ts'
import { opentofuState } from './flows/opentofu-state.ts'
import { pgBackRest } from './flows/pgbackrest.ts'
import { rcloneSync } from './flows/rclone-sync.ts'
import { resticRepository } from './flows/restic-repository.ts'
import { s3fsTree } from './flows/s3fs-tree.ts'
import { tableFormats } from './flows/table-formats.ts'
import { velero } from './flows/velero.ts'
import { ibmCosSdkHmac, ibmCosSdkIam, makeCustomerManagedBucket } from './ibm-cos-sdk.ts'
import { keyProtect } from './key-protect.ts'
import { minioNpm } from './minio-npm.ts'
import { minioPython } from './minio-python.ts'
import { platformServices } from './platform-services.ts'
import { rclone } from './rclone.ts'
import { restic } from './restic.ts'
import { s3cmd } from './s3cmd.ts'
import { s3fs } from './s3fs.ts'
import { formatTable, type Outcome, type Row } from './table.ts'

const CLIENTS: readonly Client[] = [
  ...[awsCli, boto3, rclone, s3cmd, restic, s3fs, minioNpm, minioPython, awsLibStorage],
  ...[ibmCosSdkHmac, ibmCosSdkIam, keyProtect, platformServices, cosSdkConfig],
  ...[rcloneSync, awsSync, boto3Transfers, minioFlows, mc, s3fsTree, resticRepository, duplicity, backupCopies],
  ...[pgBackRest, opentofuState, ansible, tableFormats, velero, nats],
]

const STEP_TIMEOUT_MS = 180_000

const { values: options } = parseArgs({
  options: {
    /** Comma-separated parts of names: `--only aws,rclone`. */
    only: { type: 'string' },
    /** Install the chosen clients, print their versions and stop. */
    install: { type: 'boolean', default: false },
    /** Another server to run than src/server/main.js. */
    server: { type: 'string' },
  },
})

const wanted = options.only?.split(',')
const clients = CLIENTS.filter(({ name }) => wanted?.some((part) => name.includes(part)) ?? true)
if (clients.length === 0) throw new Error(`--only names none of: ${CLIENTS.map(({ name }) => name).join(', ')}`)

if (options.install) {
  for (const client of clients) {
    await client.install()
    console.log(`${client.name}: ${await client.version()}`)
  }
} else {
  const home = await mkdtemp(path.join(tmpdir(), 'coffer-clients-'))
  const server = await startServer(home)
  try {
    const rows: Row[] = []
    const bucket = customerManagedBucketFor(server)
    for (const client of clients)
      rows.push(await rowOf(client, { ...targetFor(server, home), customerManagedBucket: bucket }))
    console.log(`\n${formatTable(rows)}`)
    process.exitCode = rows.some(({ outcomes }) => outcomes.some(({ mark }) => mark === '✗')) ? 1 : 0
  } finally {
    await server.stop()
    await rm(home, { recursive: true, force: true })
  }
  // A client that hung may still hold the process.
  process.exit()
}

async function startServer(home: string): Promise<ServerProcess> {
  return startServerProcess({
    dataDir: path.join(home, 'data'),
    bootstrapFile: await writeBootstrapFile(path.join(home, 'bootstrap.json'), [mainAccount]),
    ...(options.server === undefined ? {} : { main: options.server }),
  })
}

function targetFor(server: ServerProcess, home: string): Omit<Target, 'customerManagedBucket'> {
  const { accessKeyId, secretAccessKey, apiKey } = mainAccount.user
  return {
    s3Url: server.s3Url,
    controlUrl: server.controlUrl,
    region: 'us-east-1',
    accessKeyId,
    secretAccessKey,
    apiKey,
    accountId: mainAccount.id,
    objectStorageCrn: objectStorageCrn(mainAccount),
    objectStorageInstance: mainAccount.objectStorageInstance,
    keyProtectInstance: mainAccount.keyProtectInstance,
    workDir: path.join(home, 'work'),
  }
}

/** Made when first asked for. A failure is every asking client's failure. */
function customerManagedBucketFor(server: ServerProcess): () => Promise<string> {
  const make = async (): Promise<string> => {
    const name = bucketNameFor('own-root-key')
    const { crn } = await createRootKey(server.controlUrl, 'clients run')
    const target = { ...targetFor(server, ''), customerManagedBucket: () => Promise.resolve(name) }
    await makeCustomerManagedBucket(target, name, crn)
    return name
  }
  let made: Promise<string> | undefined
  return () => {
    made ??= make()
    return made
  }
}

async function rowOf(client: Client, target: Target): Promise<Row> {
  const startedAt = performance.now()
  const row = (version: string, outcomes: readonly Outcome[], notes: readonly string[] = []): Row => ({
    client,
    version,
    outcomes,
    notes,
    seconds: (performance.now() - startedAt) / 1000,
  })
  console.log(client.name)
  await mkdir(target.workDir)
  try {
    await client.install()
    const connection = await client.connect(target)
    const outcomes = await outcomesOf(connection)
    return row(await client.version(), outcomes, connection.notes)
  } catch (error) {
    return row('not known', [{ step: 'install and connect', mark: '✗', reason: reasonOf(error) }])
  } finally {
    await rm(target.workDir, { recursive: true, force: true })
  }
}

async function outcomesOf({ steps, close }: Connection): Promise<readonly Outcome[]> {
  try {
    const outcomes: Outcome[] = []
    for (const step of steps) {
      const outcome = await outcomeOf(step)
      console.log(`  ${outcome.mark} ${outcome.step}${outcome.mark === '✓' ? '' : `: ${outcome.reason}`}`)
      outcomes.push(outcome)
    }
    return outcomes
  } finally {
    await close?.()
  }
}

async function outcomeOf({ name: step, run }: Step): Promise<Outcome> {
  try {
    if (isMissing(run)) {
      await run.instead?.()
      return { step, mark: '–', reason: run.missing }
    }
    await Promise.race([run(), timeout()])
    return { step, mark: '✓' }
  } catch (error) {
    return { step, mark: '✗', reason: reasonOf(error) }
  }
}

/** A client that hangs has failed. */
async function timeout(): Promise<never> {
  await sleep(STEP_TIMEOUT_MS, undefined, { ref: false })
  throw new Error(`not done within ${STEP_TIMEOUT_MS / 1000} s`)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
