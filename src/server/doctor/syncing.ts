import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hasErrno } from '../../storage/errno.ts'
import { explain } from '../explain.ts'
import { type Finding, finding } from './finding.ts'

const say = finding('data directory')

const TRIES = 9
/** What a small object waits for at least. A disk that turns takes 10 to 20. */
const SLOW_MS = 50
const BLOCK = Buffer.alloc(4096)

/** Does the disk take what is to be kept, and how long does that take? The file has no name while it is written. */
export async function syncing(directory: string): Promise<readonly Finding[]> {
  try {
    return [judged(directory, await medianOfSyncs(join(directory, `.doctor-${process.pid}`)))]
  } catch (error) {
    if (isNoRight(error)) return []
    return [
      say.problem(
        `${directory} does not keep what is written: ${explain(error)}`,
        'look at the log of the kernel (dmesg), and at the disk, before anything more is stored there',
      ),
    ]
  }
}

export function judged(directory: string, ms: number): Finding {
  const took = `${directory}: fsync of 4 KiB takes ${ms < 10 ? ms.toFixed(2) : Math.round(ms)} ms`
  if (ms < SLOW_MS) return say.ok(took)
  return say.warning(
    `${took}, and everything that is stored waits for one`,
    'use a local disk, best one whose cache outlives a power cut; see what else writes to it',
  )
}

async function medianOfSyncs(path: string): Promise<number> {
  await using file = await open(path, 'wx', 0o600)
  await rm(path)
  const took: number[] = []
  for (let at = 0; at < TRIES; at++) {
    await file.write(BLOCK)
    const startedMs = performance.now()
    await file.sync()
    took.push(performance.now() - startedMs)
  }
  return took.toSorted((a, b) => a - b)[TRIES >> 1] ?? 0
}

/** Another check tells of it. */
const isNoRight = (error: unknown): boolean => hasErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT')
