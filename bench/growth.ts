import { hash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { mainAccount } from '../test/support/bootstrap.ts'
import { startHouse } from '../test/support/house.ts'
import { type ServerProcess, startServerProcess } from '../test/support/server-process.ts'
import { bytesUnder } from './support/bytes-under.ts'
import { cpuSeconds } from './support/cpu-seconds.ts'
import { type LoadResult, runLoad } from './support/load.ts'
import { type PlannedRequest, writePlan } from './support/plan.ts'
import { putMany } from './support/put-many.ts'
import { residentBytes } from './support/resident-memory.ts'

/**
 * What more small objects cost: one store that grows from size to size by the engine's own puts. At each size: starts and
 * idle memory, bytes on the disk beyond the payload, and PUT, GET and LIST over HTTP, signed, with what they cost.
 */
const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '0,10000,100000,1000000' },
    'object-bytes': { type: 'string', default: '1024' },
    connections: { type: 'string', default: '64' },
    'seconds-each': { type: 'string', default: '5' },
    starts: { type: 'string', default: '5' },
    /** A directory that an earlier run left with --keep, and how many objects that put there. */
    directory: { type: 'string' },
    'stored-before': { type: 'string', default: '0' },
    keep: { type: 'boolean', default: false },
    server: { type: 'string' },
  },
})

const BUCKET = 'many'
const KEYS_A_FOLDER = 1000
const SETTLE_MS = 2000
const MIB = 1024 ** 2
const REQUESTS = 20_000

const objectBytes = Number(options['object-bytes'])
const payload = randomBytes(objectBytes)
const payloadHash = hash('sha256', payload, 'hex')
const measuredMs = Number(options['seconds-each']) * 1000
const directory = options.directory ?? (await mkdtemp(path.join(tmpdir(), 'coffer-growth-')))
const serverOptions = {
  dataDir: path.join(directory, 'data'),
  bootstrapFile: path.join(directory, 'bootstrap.json'),
  settings: { COFFER_LOG_LEVEL: 'warn' },
  readyTimeoutMs: 600_000,
  ...(options.server === undefined ? {} : { main: options.server }),
}

const keyAt = (number: number): string =>
  `folder-${String(Math.floor(number / KEYS_A_FOLDER)).padStart(6, '0')}/${number}`

function* keysFrom(first: number, end: number): Generator<string> {
  for (let number = first; number < end; number++) yield keyAt(number)
}

/** Times are of the wall; CPU is of the process that stores. */
async function grow(from: number, to: number): Promise<void> {
  await using house = await startHouse({ directory })
  if (from === 0) await house.client().send(new CreateBucketCommand({ Bucket: BUCKET }))
  if (to === from) return
  const [startedAt, cpuBefore] = [performance.now(), process.cpuUsage()]
  const keys = keysFrom(from, to)
  await putMany(house, {
    ...{ bucket: BUCKET, keys, body: payload },
    onStored: (count) => {
      if (count % 100_000 === 0) console.error(`  ${from + count} stored`)
    },
  })
  const cpu = process.cpuUsage(cpuBefore)
  console.log(
    `stored ${to - from} objects by the engine alone in ${((performance.now() - startedAt) / 1000).toFixed(0)} s, ${((cpu.user + cpu.system) / (to - from)).toFixed(0)} µs of CPU each`,
  )
}

interface Row {
  readonly objects: number
  readonly cells: Readonly<Record<string, string>>
}

async function measure(objects: number, putBefore: number): Promise<{ readonly row: Row; readonly put: number }> {
  const { startMs, startCpuMs, idleMib } = await starts()
  const disk = await onDisk()
  const server = await startServerProcess(serverOptions)
  try {
    const put = await load(server, puts(`${objects}`))
    const get = objects === 0 ? undefined : await load(server, gets(objects))
    const list = objects === 0 ? undefined : await load(server, lists(objects))
    const stored = objects + putBefore
    const beyond =
      stored === 0 ? undefined : disk.map((bytes, at) => (bytes - (at === 1 ? stored * objectBytes : 0)) / stored)
    const cells = {
      'ready after, ms': `${median(startMs)} (${Math.min(...startMs)}–${Math.max(...startMs)})`,
      'CPU until then, ms': `${median(startCpuMs)}`,
      'idle, MiB': `${median(idleMib)}`,
      ...said('PUT', put),
      ...said('GET', get),
      ...said('LIST 1,000', list),
      'disk beyond the payload, bytes an object': beyond
        ? `${beyond.map((bytes) => bytes.toFixed(0)).join(' + ')} (metadata + packs + audit)`
        : '',
    }
    return { row: { objects, cells }, put: put.load.allAnswers }
  } finally {
    await server.stop()
  }
}

async function starts() {
  const [startMs, startCpuMs, idleMib]: [number[], number[], number[]] = [[], [], []]
  for (let start = 0; start < Number(options.starts); start++) {
    const server = await startServerProcess(serverOptions)
    startMs.push(Math.round(server.startedInMs))
    startCpuMs.push(Math.round(cpuSeconds(server.pid) * 1000))
    await sleep(SETTLE_MS)
    idleMib.push(Math.round(residentBytes(server.pid) / MIB))
    await server.stop()
  }
  return { startMs, startCpuMs, idleMib }
}

/** Of metadata, packs and the audit log. */
const onDisk = (): Promise<number[]> =>
  Promise.all(['metadata', 'blobs', 'audit'].map((name) => bytesUnder(path.join(serverOptions.dataDir, name))))

interface Loaded {
  readonly load: LoadResult
  readonly cpuMicros: number
}

async function load(server: ServerProcess, requests: Iterable<PlannedRequest>): Promise<Loaded> {
  const { accessKeyId, secretAccessKey } = mainAccount.user
  const [plan, payloadFile] = [path.join(directory, 'plan'), path.join(directory, 'payload')]
  const authority = `127.0.0.1:${server.s3Port}`
  await writePlan(plan, { authority, accessKeyId, secretAccessKey, region: 'us-east-1' }, requests)
  await writeFile(payloadFile, payload)
  const before = cpuSeconds(server.pid)
  const result = await runLoad({
    ...{ host: '127.0.0.1', port: server.s3Port, plan, payload: payloadFile, loop: true },
    ...{ connections: Number(options.connections), warmUpMs: 1000, measuredMs },
  })
  if (result.failures > 0) throw new Error(`${result.failures} failures: ${result.firstFailure}`)
  return { load: result, cpuMicros: ((cpuSeconds(server.pid) - before) * 1e6) / result.allAnswers }
}

function* puts(run: string): Generator<PlannedRequest> {
  for (let n = 0; n < REQUESTS; n++) {
    yield { method: 'PUT', path: `/${BUCKET}/put/${run}/${n}`, bodyBytes: objectBytes, bodyHash: payloadHash }
  }
}

/** In no order: a prime step goes through all of them. */
function* gets(objects: number): Generator<PlannedRequest> {
  for (let n = 0; n < REQUESTS; n++) yield { method: 'GET', path: `/${BUCKET}/${keyAt((n * 1_299_709) % objects)}` }
}

function* lists(objects: number): Generator<PlannedRequest> {
  for (let n = 0; n < 200; n++) {
    const prefix = encodeURIComponent(keyAt((n * 1_299_709) % objects).replace(/[^/]*$/, ''))
    yield { method: 'GET', path: `/${BUCKET}`, query: `list-type=2&max-keys=1000&prefix=${prefix}` }
  }
}

function said(name: string, loaded: Loaded | undefined): Record<string, string> {
  const text = loaded
    ? `${(loaded.load.answers / loaded.load.seconds).toFixed(0)}/s, p99 ${loaded.load.p99Ms.toFixed(0)} ms, ${loaded.cpuMicros.toFixed(0)} µs`
    : ''
  return { [name]: text }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

function print(rows: readonly Row[]): void {
  const names = Object.keys(rows[0]?.cells ?? {})
  console.log(`\n| objects of ${objectBytes} bytes | ${rows.map(({ objects }) => objects).join(' | ')} |`)
  console.log(`| --- |${' --: |'.repeat(rows.length)}`)
  for (const name of names) console.log(`| ${name} | ${rows.map(({ cells }) => cells[name]).join(' | ')} |`)
}

try {
  await mkdir(directory, { recursive: true })
  const rows: Row[] = []
  let stored = Number(options['stored-before'])
  let putBefore = 0
  for (const size of options.sizes.split(',').map(Number)) {
    await grow(stored, size)
    stored = size
    const { row, put } = await measure(size, putBefore)
    putBefore += Math.min(put, REQUESTS)
    rows.push(row)
    print([row])
  }
  print(rows)
} finally {
  if (!options.keep && options.directory === undefined) await rm(directory, { recursive: true })
  else console.log(`kept: ${directory}`)
}
