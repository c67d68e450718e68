import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Upload } from '@aws-sdk/lib-storage'
import { mainAccount, writeBootstrapFile } from '../test/support/bootstrap.ts'
import { contentHash, contentStream } from '../test/support/content.ts'
import { emptyBucket, makeBucket, s3ClientFor } from '../test/support/s3.ts'
import { startServerProcess } from '../test/support/server-process.ts'
import { getHash, putStream } from './support/presigned.ts'
import { peakResidentBytes, residentBytes, watchMemory } from './support/resident-memory.ts'

/** Large objects and many connections: throughput, and how much memory the server takes for them. Client and server share the machine. */
const { values: options } = parseArgs({
  options: {
    'object-mib': { type: 'string', default: '5120' },
    clients: { type: 'string', default: '64' },
    'client-mib': { type: 'string', default: '64' },
    /** Ends with 1 when the server's resident set was ever above this. */
    'limit-mib': { type: 'string', default: '300' },
    server: { type: 'string' },
  },
})

const MIB = 1024 * 1024
const BUCKET = 'large'
const PART_BYTES = 64 * MIB
const objectBytes = Number(options['object-mib']) * MIB
const clientBytes = Number(options['client-mib']) * MIB
const names = Array.from({ length: Number(options.clients) }, (_, number) => `client-${number}`)

const home = await mkdtemp(path.join(tmpdir(), 'coffer-large-'))
const server = await startServerProcess({
  dataDir: path.join(home, 'data'),
  bootstrapFile: await writeBootstrapFile(path.join(home, 'bootstrap.json'), [mainAccount]),
  settings: { COFFER_LOG_LEVEL: 'warn' },
  ...(options.server === undefined ? {} : { main: options.server }),
})
const client = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
const memory = watchMemory(server.pid)
console.log(`ready after ${server.startedInMs.toFixed(0)} ms, resident ${mib(residentBytes(server.pid))}`)

try {
  await makeBucket(client, BUCKET)
  const wanted = contentHash('object', objectBytes)
  await measure(`${mib(objectBytes)} up in parts of ${mib(PART_BYTES)}`, objectBytes, async () => {
    const params = { Bucket: BUCKET, Key: 'parts', Body: contentStream('object', objectBytes) }
    await new Upload({ client, params, partSize: PART_BYTES, queueSize: 2 }).done()
  })
  await measure(`${mib(objectBytes)} down (parts)`, objectBytes, () => expectHash('parts', wanted))
  await emptyBucket(client, BUCKET)
  await measure(`${mib(objectBytes)} up in one PUT`, objectBytes, () =>
    putStream(client, BUCKET, 'put', contentStream('object', objectBytes), objectBytes),
  )
  await measure(`${mib(objectBytes)} down (one PUT)`, objectBytes, () => expectHash('put', wanted))
  await emptyBucket(client, BUCKET)
  const hashes = names.map((name) => contentHash(name, clientBytes))
  const total = names.length * clientBytes
  await measure(`${names.length} clients at once, ${mib(clientBytes)} each, up`, total, async () => {
    await Promise.all(
      names.map((name) => putStream(client, BUCKET, name, contentStream(name, clientBytes), clientBytes)),
    )
  })
  await measure(`${names.length} clients at once, ${mib(clientBytes)} each, down`, total, async () => {
    await Promise.all(names.map((name, index) => expectHash(name, hashes[index] ?? '')))
  })
  const peakBytes = peakResidentBytes(server.pid)
  console.log(`peak resident memory of the server: ${mib(peakBytes)}; afterwards ${mib(residentBytes(server.pid))}`)
  process.exitCode = peakBytes > Number(options['limit-mib']) * MIB ? 1 : 0
} finally {
  memory.stop()
  await server.stop()
  await rm(home, { recursive: true })
}

async function measure(name: string, bytes: number, work: () => Promise<void>): Promise<void> {
  memory.takePeakBytes()
  const startedAt = performance.now()
  await work()
  const seconds = (performance.now() - startedAt) / 1000
  console.log(
    `${name}: ${seconds.toFixed(1)} s, ${(bytes / MIB / seconds).toFixed(0)} MiB/s, peak resident ${mib(memory.takePeakBytes())}`,
  )
}

async function expectHash(key: string, wanted: string): Promise<void> {
  const { hash } = await getHash(client, BUCKET, key)
  if (hash !== wanted) throw new Error(`${key} came back changed`)
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(0)} MiB`
}
