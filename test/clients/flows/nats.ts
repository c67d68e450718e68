import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PutBucketNotificationConfigurationCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { connect } from '@nats-io/transport-node'
import { mainAccount, writeBootstrapFile } from '../../support/bootstrap.ts'
import { freePort } from '../../support/free-port.ts'
import { makeBucket, s3ClientFor } from '../../support/s3.ts'
import { startServerProcess } from '../../support/server-process.ts'
import { same } from '../check.ts'
import type { Client, Connection, Step, Target } from '../client.ts'
import { runText } from '../command.ts'
import { goTool, installGo } from '../install.ts'

const SERVER = 'nats-server'
const SUBJECT = 'events.jobs'
const PATIENCE_MS = 60_000

/** Notifications that a real NATS server keeps in a stream, also when it is killed meanwhile. */
export const nats: Client = {
  name: 'NATS',
  install: () => installGo(SERVER, 'github.com/nats-io/nats-server/v2@v2.15.2'),
  version: async () => (await runText(goTool(SERVER), ['--version'])).trim(),
  connect: async (target) => {
    const port = await freePort()
    const server = natsServer(port, target.workDir)
    await server.start()
    const coffer = await startServerProcess({
      dataDir: path.join(target.workDir, 'data'),
      bootstrapFile: await writeBootstrapFile(path.join(target.workDir, 'bootstrap.json'), [mainAccount]),
      settings: {
        COFFER_S3_NATS_TARGETS: `jobs=nats://127.0.0.1:${port}/${SUBJECT}`,
        COFFER_S3_NATS_CREDENTIALS: 'jobs=coffer:a-password',
      },
    }).catch(async (error: unknown) => {
      await server.kill()
      throw error
    })
    return {
      steps: stepsFor({ ...target, s3Url: coffer.s3Url }, port, server),
      close: async () => {
        await coffer.stop()
        await server.kill()
      },
    } satisfies Connection
  },
}

interface NatsServer {
  readonly start: () => Promise<void>
  /** SIGKILL. */
  readonly kill: () => Promise<void>
}

function natsServer(port: number, workDir: string): NatsServer {
  let child: ChildProcess | undefined
  const login = ['--user', 'coffer', '--pass', 'a-password']
  return {
    start: async () => {
      const store = ['--jetstream', '--store_dir', path.join(workDir, 'jetstream')]
      child = spawn(goTool(SERVER), ['--addr', '127.0.0.1', '--port', String(port), ...store, ...login], {
        stdio: 'ignore',
      })
      await eventually(async () => (await api(port, 'INFO', {})) !== undefined)
    },
    kill: async () => {
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** Of JetStream. */
async function api(port: number, call: string, body: object): Promise<Record<string, unknown> | undefined> {
  const login = { user: 'coffer', pass: 'a-password' }
  const connection = await connect({ servers: `127.0.0.1:${port}`, reconnect: false, ...login }).catch(() => undefined)
  const reply = await connection?.request(`$JS.API.${call}`, JSON.stringify(body)).catch(() => undefined)
  await connection?.close()
  return reply?.json<Record<string, unknown>>()
}

async function eventually(done: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !(await done()); await sleep(100)) {
    if (Date.now() > deadline) throw new Error('it did not happen in time')
  }
}

function stepsFor(target: Target, port: number, server: NatsServer): readonly Step[] {
  const client = s3ClientFor(target)
  const Bucket = 'told'
  const put = (Key: string) => client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
  const keys = async (): Promise<string[]> => {
    const found: string[] = []
    for (let seq = 1; ; seq++) {
      const { message } = (await api(port, 'STREAM.MSG.GET.EVENTS', { seq })) ?? {}
      if (!isMessage(message)) return found
      found.push(JSON.parse(Buffer.from(message.data, 'base64').toString()).Records[0].s3.object.key)
    }
  }
  const arrived = async (...expected: string[]): Promise<void> => {
    await eventually(async () => (await keys()).length >= expected.length)
    same('keys', await keys(), expected)
  }
  return [
    {
      name: 'set up',
      run: async () => {
        await api(port, 'STREAM.CREATE.EVENTS', { name: 'EVENTS', subjects: [SUBJECT], storage: 'file' })
        await makeBucket(client, Bucket)
        const one = { QueueArn: 'arn:coffer:sqs::jobs:nats', Events: ['s3:ObjectCreated:*' as const] }
        await client.send(
          new PutBucketNotificationConfigurationCommand({
            ...{ Bucket, SkipDestinationValidation: true },
            NotificationConfiguration: { QueueConfigurations: [one] },
          }),
        )
      },
    },
    {
      name: 'told',
      run: async () => {
        await put('one')
        await arrived('one')
      },
    },
    {
      name: 'while it is away',
      run: async () => {
        await server.kill()
        await put('two')
        await put('two')
        await server.start()
        await arrived('one', 'two', 'two')
      },
    },
    {
      name: 'without a stream',
      run: async () => {
        await api(port, 'STREAM.DELETE.EVENTS', {})
        await put('three')
        await sleep(1000)
        await api(port, 'STREAM.CREATE.EVENTS', { name: 'EVENTS', subjects: [SUBJECT], storage: 'file' })
        await arrived('three')
      },
    },
  ]
}

const isMessage = (value: unknown): value is { readonly data: string } =>
  typeof value === 'object' && value !== null && 'data' in value && typeof value.data === 'string'
