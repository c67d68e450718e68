import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

const MAIN = path.join(import.meta.dirname, '../../src/server/main.js')
const TIMEOUT_MS = 20_000

export interface EndedServer {
  /** Undefined when it had to be killed because it went on. */
  readonly exitCode: number | undefined
  readonly output: string
}

/** Starts a server that is expected to end by itself, with nothing but these COFFER_ variables. */
export async function endedServer(
  settings: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<EndedServer> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('COFFER_'))
  const child = spawn(process.execPath, [MAIN, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...Object.fromEntries(inherited),
      COFFER_S3_LISTEN: '127.0.0.1:0',
      COFFER_CONTROL_LISTEN: '127.0.0.1:0',
      ...settings,
    },
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS)
  await once(child, 'close')
  clearTimeout(timer)
  return { exitCode: child.exitCode ?? undefined, output }
}
