import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { descendantsOf, killAll } from './descendants.ts'

/** A directory that goes when this process ends, by an error or a signal too, and every process with it that was started. */
export function scratchDirectory(name: string): string {
  const dir = mkdtempSync(path.join(tmpdir(), `${name}-`))
  process.once('exit', () => {
    killAll(descendantsOf(process.pid).slice(1))
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
  return dir
}
