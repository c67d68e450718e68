import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { mainAccount, writeBootstrapFile } from '../test/support/bootstrap.ts'
import { contentStream } from '../test/support/content.ts'
import { makeBucket, s3ClientFor } from '../test/support/s3.ts'
import { startServerProcess } from '../test/support/server-process.ts'
import { liveMemory } from './support/live-memory.ts'
import { putStream } from './support/presigned.ts'
import { residentBytes } from './support/resident-memory.ts'

/** What connections cost in memory: downloads and uploads whose clients stopped, more and more of them at once. */
const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '64,500,1000,2000' },
    'object-mib': { type: 'string', default: '64' },
  },
})

const MIB = 1024 * 1024
const BUCKET = 'connections'
const objectBytes = Number(options['object-mib']) * MIB
const steps = options.steps.split(',').map(Number)

const home = await mkdtemp(path.join(tmpdir(), 'coffer-connections-'))
const live = await liveMemory(home)
const server = await startServerProcess({
  dataDir: path.join(home, 'data'),
  bootstrapFile: await writeBootstrapFile(path.join(home, 'bootstrap.json'), [mainAccount]),
  nodeOptions: live.nodeOptions,
  settings: { COFFER_LOG_LEVEL: 'warn', COFFER_S3_MAX_CONNECTIONS: '10000' },
})
const client = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })

try {
  await makeBucket(client, BUCKET)
  await putStream(client, BUCKET, 'object', contentStream('object', objectBytes), objectBytes)
  console.log(`after one upload: ${await memory()}`)
  const target = { Bucket: BUCKET, Key: 'object' }
  const getUrl = new URL(await getSignedUrl(client, new GetObjectCommand(target)))
  await measure('stalled downloads', () => stalledDownload(getUrl))
  await measure('stalled downloads with 15 more sent ahead', () => stalledDownload(getUrl, 16))
  const putUrl = new URL(await getSignedUrl(client, new PutObjectCommand({ ...target, Key: 'never' })))
  await measure('stalled uploads', () => stalledUpload(putUrl))
  await measure('idle connections', () => opened(getUrl))
} finally {
  await server.stop()
  await rm(home, { recursive: true })
}

async function measure(name: string, open: () => Promise<Socket>): Promise<void> {
  const sockets: Socket[] = []
  for (const wanted of steps) {
    while (sockets.length < wanted) {
      sockets.push(...(await Promise.all(Array.from({ length: Math.min(50, wanted - sockets.length) }, open))))
    }
    await settled()
    console.log(`${sockets.length} ${name}: ${await memory()}`)
  }
  for (const socket of sockets) socket.destroy()
  await settled()
  console.log(`all closed: ${await memory()}`)
}

/** Until the kernel's buffers are full and nothing moves any more. */
async function settled(): Promise<void> {
  let before = -1
  for (let now = residentBytes(server.pid); Math.abs(now - before) > MIB; now = residentBytes(server.pid)) {
    before = now
    await sleep(2000)
  }
}

async function stalledDownload(url: URL, times = 1): Promise<Socket> {
  const socket = await opened(url)
  socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`.repeat(times))
  await new Promise((resolve) => socket.once('data', resolve))
  socket.pause()
  return socket
}

async function stalledUpload(url: URL): Promise<Socket> {
  const socket = await opened(url)
  socket.write(
    `PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Length: ${objectBytes}\r\n\r\n`,
  )
  socket.write(Buffer.alloc(MIB + 1000))
  return socket
}

async function opened(url: URL): Promise<Socket> {
  const socket = connect(Number(url.port), url.hostname)
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

/** What is resident holds garbage, too, and what the allocator does not give back; what is in use does not. */
async function memory(): Promise<string> {
  const resident = residentBytes(server.pid)
  return `${mib(await live.inUseBytes(server.pid))} in use, ${mib(resident)} resident`
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(0)} MiB`
}
