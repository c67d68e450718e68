import { hash, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { mainAccount } from '../test/support/bootstrap.ts'
import { startHouse } from '../test/support/house.ts'
import { keyOwner } from '../test/support/keys.ts'
import { type ServerProcess, startServerProcess } from '../test/support/server-process.ts'
import { bytesUnder } from './support/bytes-under.ts'
import { cpuSeconds } from './support/cpu-seconds.ts'
import { runLoad } from './support/load.ts'
import { type PlannedRequest, writePlan } from './support/plan.ts'
import { putMany } from './support/put-many.ts'
import { scratchDirectory } from './support/scratch.ts'

/**
 * How long a store of many objects takes to recover: it is killed under writes, started again and watched until it is ready
 * and until it has looked for everything that the killed one left. Then the index is counted anew.
 */
const { values: options } = parseArgs({
  options: {
    objects: { type: 'string', default: '1000000' },
    'object-bytes': { type: 'string', default: '1024' },
    kills: { type: 'string', default: '5' },
    connections: { type: 'string', default: '32' },
    'load-ms': { type: 'string', default: '4000' },
    /** One that an earlier run filled, and that stays. */
    directory: { type: 'string' },
    filled: { type: 'boolean', default: false },
  },
})

const BUCKET = 'many'
const KEYS_A_FOLDER = 1000
const objects = Number(options.objects)
const payload = randomBytes(Number(options['object-bytes']))
const directory = options.directory ?? scratchDirectory('coffer-recovery')
const serverOptions = {
  dataDir: path.join(directory, 'data'),
  bootstrapFile: path.join(directory, 'bootstrap.json'),
  settings: { COFFER_LOG_LEVEL: 'warn' },
  readyTimeoutMs: 600_000,
}

function* keys(): Generator<string> {
  for (let n = 0; n < objects; n++) yield `folder-${String(Math.floor(n / KEYS_A_FOLDER)).padStart(6, '0')}/${n}`
}

async function fill(): Promise<void> {
  await using house = await startHouse({ directory })
  await house.client().send(new CreateBucketCommand({ Bucket: BUCKET }))
  await putMany(house, {
    ...{ bucket: BUCKET, keys: keys(), body: payload },
    onStored: (count) => {
      if (count % 50_000 === 0) console.error(`  ${count} stored, ${new Date().toISOString()}`)
    },
  })
}

function* puts(round: number): Generator<PlannedRequest> {
  const bodyHash = hash('sha256', payload, 'hex')
  for (let n = 0; n < 20_000; n++) {
    yield { method: 'PUT', path: `/${BUCKET}/round-${round}/${n}`, bodyBytes: payload.length, bodyHash }
  }
}

/** Killed while it writes. */
async function killUnderLoad(server: ServerProcess, round: number): Promise<void> {
  const { accessKeyId, secretAccessKey } = mainAccount.user
  const [plan, payloadFile] = [path.join(directory, 'plan'), path.join(directory, 'payload')]
  const authority = `127.0.0.1:${server.s3Port}`
  await writePlan(plan, { authority, accessKeyId, secretAccessKey, region: 'us-east-1' }, puts(round))
  await writeFile(payloadFile, payload)
  const load = runLoad({
    ...{ host: '127.0.0.1', port: server.s3Port, plan, payload: payloadFile, loop: true },
    ...{ connections: Number(options.connections), warmUpMs: 0, measuredMs: Number(options['load-ms']) * 2 },
  }).catch(() => undefined)
  await sleep(Number(options['load-ms']))
  await server.kill()
  await load
}

async function untilSwept(server: ServerProcess): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${server.controlUrl}/metrics`)).text()
    if (/^coffer_swept 1$/m.test(text)) return
    await sleep(20)
  }
}

await mkdir(directory, { recursive: true })
if (!options.filled) await fill()
console.log(`${((await bytesUnder(serverOptions.dataDir)) / 1024 ** 2).toFixed(0)} MiB on the disk`)
let server = await startServerProcess(serverOptions)
console.log(`orderly start: ready after ${server.startedInMs.toFixed(0)} ms`)
console.log(
  '| kill | ready after, ms | CPU until then, ms | swept after, ms | exact |\n| --: | --: | --: | --: | --- |',
)
for (let round = 1; round <= Number(options.kills); round++) {
  await killUnderLoad(server, round)
  const began = performance.now()
  server = await startServerProcess(serverOptions)
  const cpuMs = cpuSeconds(server.pid) * 1000
  await untilSwept(server)
  const sweptMs = performance.now() - began
  const { json } = await (await keyOwner(server.controlUrl)).call('POST', '/admin/v1/usage/recount')
  const exact = json.exact === true ? 'yes' : JSON.stringify(json)
  console.log(
    `| ${round} | ${server.startedInMs.toFixed(0)} | ${cpuMs.toFixed(0)} | ${sweptMs.toFixed(0)} | ${exact} |`,
  )
}
await server.stop()
