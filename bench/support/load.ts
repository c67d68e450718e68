import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'

const SOURCE = path.join(import.meta.dirname, '../load/load.c')
const BUILT = path.join(import.meta.dirname, '../../node_modules/.cache/coffer-bench/load')

export interface LoadOptions {
  readonly host: string
  readonly port: number
  readonly tls?: boolean
  readonly connections: number
  /** File of requests: see `planOf`. */
  readonly plan: string
  /** File that their bodies begin. */
  readonly payload: string
  readonly warmUpMs: number
  readonly measuredMs: number
  /** Begin the plan again at its end. */
  readonly loop: boolean
}

export interface LoadResult {
  /** Warm-up and all. */
  readonly allAnswers: number
  readonly answers: number
  readonly failures: number
  readonly seconds: number
  /** Of bodies. */
  readonly sentBytes: number
  /** Heads and all. */
  readonly receivedBytes: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly firstByteP50Ms: number
  readonly clientCpuSeconds: number
  /** The first lines of the first answer that was not 2xx. */
  readonly firstFailure: string
}

/** Compiled once; needs a C compiler and the headers of OpenSSL. */
export function buildLoad(): string {
  const built = statSync(BUILT, { throwIfNoEntry: false })
  if (built && built.mtimeMs > statSync(SOURCE).mtimeMs) return BUILT
  mkdirSync(path.dirname(BUILT), { recursive: true })
  execFileSync('cc', ['-O2', '-o', BUILT, SOURCE, '-lssl', '-lcrypto'], { stdio: 'inherit' })
  return BUILT
}

export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { host, port, tls = false, connections, plan, payload, warmUpMs, measuredMs, loop } = options
  const given = [host, port, connections, tls ? 1 : 0, plan, payload, warmUpMs, measuredMs, loop ? 1 : 0]
  const { stdout } = await promisify(execFile)(buildLoad(), given.map(String))
  const result: LoadResult = JSON.parse(stdout)
  return result
}
