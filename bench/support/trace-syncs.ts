import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const CALLS = 'fsync,fdatasync,sync_file_range,msync,syncfs,open,openat,rename,renameat,renameat2,link,linkat'

/** What processes have the disk do while something runs: see `syncsIn`. Needs strace. */
export async function traceSyncs(pids: readonly number[], dir: string, what: () => Promise<void>): Promise<string[]> {
  const file = path.join(dir, 'trace')
  const attach = pids.flatMap((pid) => ['-p', String(pid)])
  const args = ['-f', '-y', '-o', file, '-e', `trace=${CALLS}`, ...attach]
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(strace, 'exit')
  await Promise.race([once(strace.stderr, 'data'), once(strace, 'error')])
  await sleep(500)
  await what()
  await sleep(500)
  strace.kill('SIGINT')
  await ended
  const text = await readFile(file, 'utf8')
  await rm(file)
  return syncsIn(text.replaceAll(dir, '')).map(withoutNames)
}

/** One line for each file or directory that was synced or opened so that every write is, and for each rename, in order. */
function syncsIn(trace: string): string[] {
  return trace.split('\n').flatMap((line) => {
    const [, call = '', given = ''] = /^\d+\s+(\w+)\((.*)$/.exec(line) ?? []
    const quoted = [...given.matchAll(/"([^"]*)"/g)].at(-1)?.[1]
    const flag = /\bO_D?SYNC\b/.exec(given)?.[0]
    if (call.includes('sync')) return [`${call} ${/<([^>]*)>/.exec(given)?.[1] ?? ''}`]
    if (call.startsWith('open')) return flag === undefined ? [] : [`open with ${flag} ${quoted}`]
    return call !== '' && line.endsWith(' = 0') ? [`${call} ${quoted}`] : []
  })
}

/** Random names and numbers say nothing. */
const withoutNames = (line: string): string => line.replace(/[0-9a-f]{4,}(-[0-9a-f]+)*|\d+/g, '*')
