import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { text } from 'node:stream/consumers'

const MAIN = path.join(import.meta.dirname, '../../src/server/main.js')

export interface CommandResult {
  readonly status: number | undefined
  readonly out: string
  readonly err: string
}

export interface RunningCommand {
  readonly child: ChildProcess
  readonly result: Promise<CommandResult>
}

/** `coffer …` in a process of its own, with these settings and no others. */
export function startCommand(args: readonly string[], settings: Readonly<Record<string, string>> = {}): RunningCommand {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('COFFER_'))
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(own), ...settings },
  })
  const read = async (): Promise<CommandResult> => {
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    return { status: child.exitCode ?? undefined, out, err }
  }
  return { child, result: read() }
}

export const runCommand = (args: readonly string[], settings?: Readonly<Record<string, string>>) =>
  startCommand(args, settings).result

/** Standard error without lines of progress, which come with time alone. */
export const complaints = (err: string): string => err.replace(/^ {2}(… .*|.*, \d+ findings)\n/gm, '')
