import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** In memory where there is such a place: a disk that others use takes longer than the reader. */
const ROOM = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
let directory: string | undefined

/** For readers that take a path. The next call overwrites it; it goes with the process. */
export function scratchFile(bytes: Buffer, name = 'input'): string {
  if (directory === undefined) {
    const made = mkdtempSync(join(ROOM, 'coffer-fuzz-'))
    directory = made
    process.once('exit', () => rmSync(made, { recursive: true, force: true }))
  }
  const path = join(directory, name)
  writeFileSync(path, bytes, { mode: 0o600 })
  return path
}
