import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { mainAccount, writeBootstrapFile } from '../test/support/bootstrap.ts'
import { contentBytes } from '../test/support/content.ts'
import { makeBucket, s3ClientFor } from '../test/support/s3.ts'
import { startServerProcess } from '../test/support/server-process.ts'
import { residentBytes } from './support/resident-memory.ts'

/** How long a start takes and what the server holds when idle: with nothing stored, and with many small objects. */
const { values: options } = parseArgs({
  options: {
    objects: { type: 'string', default: '100000' },
    'object-bytes': { type: 'string', default: '1024' },
    connections: { type: 'string', default: '32' },
    starts: { type: 'string', default: '5' },
    server: { type: 'string' },
  },
})

const SETTLE_MS = 3000
const objects = Number(options.objects)
const home = await mkdtemp(path.join(tmpdir(), 'coffer-start-'))
const serverOptions = {
  dataDir: path.join(home, 'data'),
  bootstrapFile: await writeBootstrapFile(path.join(home, 'bootstrap.json'), [mainAccount]),
  settings: { COFFER_LOG_LEVEL: 'warn' },
  readyTimeoutMs: 600_000,
  ...(options.server === undefined ? {} : { main: options.server }),
}

try {
  const first = await startServerProcess(serverOptions)
  console.log(`first start ${first.startedInMs.toFixed(0)} ms`)
  await first.stop()
  await measureStarts('nothing stored')
  await fill()
  await measureStarts(`${objects} objects of ${options['object-bytes']} bytes`)
} finally {
  await rm(home, { recursive: true })
}

async function measureStarts(what: string): Promise<void> {
  const startsMs: number[] = []
  const idleMib: number[] = []
  for (let start = 0; start < Number(options.starts); start++) {
    const server = await startServerProcess(serverOptions)
    startsMs.push(Math.round(server.startedInMs))
    await sleep(SETTLE_MS)
    idleMib.push(Math.round(residentBytes(server.pid) / 1024 / 1024))
    await server.stop()
  }
  console.log(`${what}: ready after ${startsMs.join(', ')} ms; resident when idle ${idleMib.join(', ')} MiB`)
}

async function fill(): Promise<void> {
  const server = await startServerProcess(serverOptions)
  const client = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user }, { maxAttempts: 3 })
  await makeBucket(client, 'many')
  const startedAt = performance.now()
  let next = 0
  const worker = async (): Promise<void> => {
    for (let number = next++; number < objects; number = next++) {
      const Body = contentBytes(`${number}`, Number(options['object-bytes']))
      await client.send(new PutObjectCommand({ Bucket: 'many', Key: `folder-${number % 100}/object-${number}`, Body }))
    }
  }
  await Promise.all(Array.from({ length: Number(options.connections) }, worker))
  const seconds = (performance.now() - startedAt) / 1000
  console.log(
    `filled with ${objects} objects in ${seconds.toFixed(1)} s; resident ${Math.round(residentBytes(server.pid) / 1024 / 1024)} MiB`,
  )
  await server.stop()
}
