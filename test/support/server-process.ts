import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingMessage, get as plainGet } from 'node:http'
import { get } from 'node:https'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'

const MAIN = path.join(import.meta.dirname, '../../src/server/main.js')
const OUTPUT_LIMIT = 256 * 1024
const STOP_TIMEOUT_MS = 40_000

export interface ServerProcessOptions {
  readonly dataDir: string
  readonly bootstrapFile?: string
  /** Free ports are taken when these are left out. */
  readonly s3Port?: number
  readonly controlPort?: number
  /** Further settings; they win over those above. */
  readonly settings?: Readonly<Record<string, string>>
  /** The file that Node runs; src/server/main.js by default. */
  readonly main?: string
  readonly nodeOptions?: readonly string[]
  readonly flags?: readonly string[]
  readonly readyTimeoutMs?: number
  /** Of the server's certificate, where the settings give it one. PEM. */
  readonly ca?: string
  /** Shown to the control listener, where it asks for a certificate. PEM. */
  readonly client?: { readonly cert: string; readonly key: string }
}

/** A real server process of its own: what black-box tests and measurements run against. */
export interface ServerProcess extends AsyncDisposable {
  readonly pid: number
  readonly s3Port: number
  readonly controlPort: number
  readonly s3Url: string
  readonly controlUrl: string
  readonly dataDir: string
  /** From spawn to the first 200 of /health/ready. */
  readonly startedInMs: number
  /** The last 256 KiB of what it printed. */
  readonly output: () => string
  readonly running: () => boolean
  /** Waits until it ends by itself; its exit code, or the signal that ended it. */
  readonly ended: () => Promise<number | string>
  /** SIGTERM, then waits. Throws when it does not end within 40 s (it is killed then) or ends with another code than 0. */
  readonly stop: () => Promise<void>
  /** SIGKILL, then waits. */
  readonly kill: () => Promise<void>
}

/** Resolves when the server is ready. Throws with the server's output when it ends or is not ready in time. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const s3Port = options.s3Port ?? (await freePort())
  const controlPort = options.controlPort ?? (await freePort())
  const scheme = options.ca === undefined ? 'http' : 'https'
  const controlUrl = `${scheme}://127.0.0.1:${controlPort}`
  const startedAt = performance.now()
  const child = spawn(
    process.execPath,
    [...(options.nodeOptions ?? []), options.main ?? MAIN, ...(options.flags ?? [])],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...inheritedEnvironment(),
        COFFER_S3_LISTEN: `127.0.0.1:${s3Port}`,
        COFFER_CONTROL_LISTEN: `127.0.0.1:${controlPort}`,
        COFFER_DATA_DIR: options.dataDir,
        ...(options.bootstrapFile === undefined ? {} : { COFFER_BOOTSTRAP_FILE: options.bootstrapFile }),
        ...options.settings,
      },
    },
  )
  let output = ''
  const keep = (chunk: string): void => {
    output = (output + chunk).slice(-OUTPUT_LIMIT)
  }
  child.stdout.setEncoding('utf8').on('data', keep)
  child.stderr.setEncoding('utf8').on('data', keep)
  child.on('error', (error) => keep(`${error.stack}\n`))
  const running = (): boolean => child.pid !== undefined && child.exitCode === null && child.signalCode === null
  const ended = async (): Promise<void> => {
    if (running()) await once(child, 'exit')
  }
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended()
  }
  const stop = async (): Promise<void> => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    child.kill('SIGTERM')
    await ended()
    clearTimeout(timer)
    if (child.exitCode !== 0) throw new Error(`server ended with ${child.exitCode ?? child.signalCode}:\n${output}`)
  }

  const deadline = startedAt + (options.readyTimeoutMs ?? 60_000)
  while (!(await isReady(controlUrl, options))) {
    if (!running())
      throw new Error(`server ended before it was ready (${child.exitCode ?? child.signalCode}):\n${output}`)
    if (performance.now() > deadline) {
      await kill()
      throw new Error(`server not ready in time:\n${output}`)
    }
    await sleep(20)
  }
  return {
    pid: child.pid ?? 0,
    s3Port,
    controlPort,
    s3Url: `${scheme}://127.0.0.1:${s3Port}`,
    controlUrl,
    dataDir: options.dataDir,
    startedInMs: performance.now() - startedAt,
    output: () => output,
    running,
    ended: async () => {
      await ended()
      return child.exitCode ?? child.signalCode ?? 'unknown'
    },
    stop,
    kill,
    [Symbol.asyncDispose]: kill,
  }
}

function isReady(controlUrl: string, { ca, client }: Pick<ServerProcessOptions, 'ca' | 'client'>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const answered = (reply: IncomingMessage): void => {
    resolve(reply.statusCode === 200)
    reply.resume()
  }
  const url = `${controlUrl}/health/ready`
  const asked =
    ca === undefined ? plainGet(url, { agent: false }, answered) : get(url, { ca, ...client, agent: false }, answered)
  asked.on('error', () => resolve(false))
  return promise
}

/** The caller's environment without settings of Coffer, so that a server under test has only those given to it. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('COFFER_')))
}
