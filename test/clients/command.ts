import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { buffer, text } from 'node:stream/consumers'

/** Where clients are installed; ignored by git. */
export const CLIENTS_DIR = path.join(import.meta.dirname, '../../.clients')
const TIMEOUT_MS = 10 * 60_000

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** In a process group of its own: `kill` then ends what it started, too. */
  readonly group?: boolean
  /** Whom the command runs as; the caller when left out. */
  readonly user?: { readonly uid: number; readonly gid: number }
}

/** Runs a command to its end; resolves to its standard output. Throws with its standard error when it fails. */
export function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<Buffer> {
  return startCommand(command, args, options).ended
}

export interface Running {
  /** As of `run`. */
  readonly ended: Promise<Buffer>
  /** SIGKILL. */
  readonly kill: () => void
}

export function startCommand(command: string, args: readonly string[], options: CommandOptions = {}): Running {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    detached: options.group ?? false,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.user === undefined ? {} : options.user),
    env: { ...process.env, LANG: 'C.UTF-8', NO_PROXY: '*', ...options.env },
  })
  const end = async (): Promise<Buffer> => {
    const [out, problems] = [buffer(child.stdout), text(child.stderr)]
    const [code] = await once(child, 'close')
    if (code === 0) return out
    const said = `${await problems}${await out}`.trim().slice(-1500)
    throw new Error(`${path.basename(command)} ${args.join(' ')} ended with ${code}: ${said}`)
  }
  return {
    ended: end(),
    kill: () => {
      if (child.pid !== undefined) process.kill(options.group ? -child.pid : child.pid, 'SIGKILL')
    },
  }
}

export async function runText(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  return (await run(command, args, options)).toString('utf8').trim()
}

/** The first line that a command prints. */
export async function firstLine(command: string, args: readonly string[]): Promise<string> {
  return (await runText(command, args)).split('\n')[0] ?? ''
}
