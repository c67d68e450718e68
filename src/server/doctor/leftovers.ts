import type { Stats } from 'node:fs'
import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Check, type Finding, finding } from './finding.ts'
import { closed, isOpenToOthers } from './modes.ts'

const say = finding('files')
/** A draft that is being written is younger. */
const STALE_MS = 600_000
const DRAFT = '.new'

/** What lies in the data directory itself: who may read it, and drafts that a stopped process left beside what they were for. */
export const leftovers: Check = async ({ dataDir, running }) => {
  const names = await readdir(dataDir).catch((): readonly string[] => [])
  const found: Finding[] = []
  for (const name of names) {
    const path = join(dataDir, name)
    const about = await lstat(path).catch(() => undefined)
    if (about === undefined || !(about.isFile() || about.isDirectory())) continue
    if (isOpenToOthers(about))
      found.push(say.warning(`${path} may be used by others`, `chmod go= ${path}`, closed(path, about)))
    if (isStaleDraft(name, names, about))
      found.push(
        say.warning(
          `${path} is a draft that was never put in its place, from ${about.mtime.toISOString()}`,
          `rm ${path}: what it was for is there`,
          // Whoever serves may be about to use it.
          running.state === 'absent' ? { command: `rm ${path}`, apply: () => rm(path) } : undefined,
        ),
      )
  }
  return found
}

/** Of which the file itself is there: without that the draft may be all there is. */
const isStaleDraft = (name: string, names: readonly string[], about: Stats): boolean =>
  name.endsWith(DRAFT) &&
  about.isFile() &&
  names.includes(name.slice(0, -DRAFT.length)) &&
  Date.now() - about.mtimeMs > STALE_MS
