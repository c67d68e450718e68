import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parseCrn } from '../src/base/crn.ts'
import type { KmsCaller } from '../src/kms/door.ts'
import { mainAccount, writeBootstrapFile } from '../test/support/bootstrap.ts'
import { createRootKey, iamToken } from '../test/support/control-api.ts'
import { startKeyService } from '../test/support/key-service.ts'
import { startServerProcess } from '../test/support/server-process.ts'
import { cpuSeconds } from './support/cpu-seconds.ts'
import { answersIn, answerTo, type HttpCall } from './support/http-load.ts'
import { rawOpening, rawSealing } from './support/raw-envelope.ts'

/**
 * Wraps and unwraps a second, in process and over HTTP, each beside what the machine gives at most: the same
 * cryptography alone, and a bare HTTP server. All take turns, so that what else runs on the machine hits all alike;
 * the medians of the turns are printed.
 */
const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '32' },
  },
})
const runs = Number(options.runs)
const seconds = Number(options.seconds)
const connections = Number(options.connections)

const AAD = ['oef1', 'dek', 'bucket', 'envelope']
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
const rounded = (value: number): string => Math.round(value).toLocaleString('en')

await inProcess()
await overHttp()

async function inProcess(): Promise<void> {
  const service = await startKeyService()
  const storeCrn = await service.newServiceInstance()
  await service.authorize(storeCrn)
  const { resource: key } = parseCrn(await service.newKey())
  const { kms, instance } = service
  const caller: KmsCaller = {
    principal: service.iam.servicePrincipal(storeCrn),
    instanceGuid: instance,
    origin: 'process',
  }
  const dek = randomBytes(32)
  const { ciphertext } = kms.wrap(caller, key, dek, AAD)
  const turns = {
    wrap: () => void kms.wrap(caller, key, dek, AAD),
    unwrap: () => void kms.unwrap(caller, key, ciphertext, AAD),
    rawSeal: rawSealing(),
    rawOpen: rawOpening(),
  }
  const micros = await takeTurns(turns, cpuMicros)
  await service.close()
  const told = (what: string, own: number, raw: number) =>
    console.log(
      `${what} in process: ${rounded(1e6 / own)} a second of CPU (${own.toFixed(1)} µs); ` +
        `HKDF-SHA-256 and AES-256-GCM alone: ${rounded(1e6 / raw)} (${raw.toFixed(1)} µs); ${(raw / own).toFixed(2)} of it`,
    )
  told('wraps', micros('wrap'), micros('rawSeal'))
  told('unwraps', micros('unwrap'), micros('rawOpen'))
}

async function overHttp(): Promise<void> {
  const home = await mkdtemp(path.join(tmpdir(), 'coffer-kms-'))
  const echo = spawn(process.execPath, [fileURLToPath(new URL('./support/echo-server.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const server = await startServerProcess({
    dataDir: path.join(home, 'data'),
    bootstrapFile: await writeBootstrapFile(path.join(home, 'bootstrap.json'), [mainAccount]),
    settings: { COFFER_LOG_LEVEL: 'warn' },
  })
  try {
    const [port] = await once(echo.stdout, 'data')
    const { id } = await createRootKey(server.controlUrl, 'bench')
    const headers = {
      Authorization: `Bearer ${await iamToken(server.controlUrl)}`,
      'Bluemix-Instance': mainAccount.keyProtectInstance,
      'Content-Type': 'application/json',
    }
    const call = (action: string, body: object): HttpCall => ({
      url: new URL(`${server.controlUrl}/api/v2/keys/${id}/actions/${action}`),
      headers,
      body: JSON.stringify(body),
    })
    const wrap = call('wrap', { plaintext: randomBytes(32).toString('base64'), aad: AAD })
    const unwrap = call('unwrap', { ...JSON.parse(await answerTo(wrap)), aad: AAD, keyVersion: undefined })
    const bare = { ...unwrap, url: new URL(`http://127.0.0.1:${String(port).trim()}/`) }
    await answerTo(unwrap)
    const own = { wrap: server.pid, unwrap: server.pid, bare: echo.pid ?? 0 }
    const cpu: Record<keyof typeof own, number[]> = { wrap: [], unwrap: [], bare: [] }
    const calls = { wrap, unwrap, bare }
    const measured = await takeTurns({ wrap: 'wrap', unwrap: 'unwrap', bare: 'bare' } as const, async (name) => {
      const before = cpuSeconds(own[name])
      const count = await answersIn(calls[name], connections, seconds * 1000)
      cpu[name].push(((cpuSeconds(own[name]) - before) * 1e6) / count)
      return count / seconds
    })
    const used = (name: keyof typeof own): string => `${rounded(median(cpu[name]))} µs of the server's CPU each`
    for (const name of ['wrap', 'unwrap'] as const) {
      console.log(
        `${name}s over HTTP, ${connections} connections: ${rounded(measured(name))} a second (${used(name)}); ` +
          `a bare HTTP server: ${rounded(measured('bare'))} (${used('bare')}); ${(measured(name) / measured('bare')).toFixed(2)} of it`,
      )
    }
  } finally {
    echo.kill()
    await server.stop()
    await rm(home, { recursive: true })
  }
}

/** The median of each over the runs, and one turn before to get warm. */
async function takeTurns<Name extends string, Turn>(
  turns: Readonly<Record<Name, Turn>>,
  measure: (turn: Turn) => number | Promise<number>,
): Promise<(name: Name) => number> {
  const found = new Map<string, number[]>()
  for (let run = 0; run <= runs; run++) {
    for (const [name, turn] of Object.entries<Turn>(turns)) {
      const value = await measure(turn)
      if (run > 0) found.set(name, [...(found.get(name) ?? []), value])
    }
  }
  return (name) => median(found.get(name) ?? [])
}

/** Microseconds of CPU for each call. */
function cpuMicros(act: () => void): number {
  const times = 5000
  const before = process.cpuUsage()
  for (let n = 0; n < times; n++) act()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / times
}
