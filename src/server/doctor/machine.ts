import { readFile } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { type Check, type Finding, finding } from './finding.ts'

const say = finding('machine')
const MIB = 1024 ** 2
/** A connection, and the file or pack that it reads. */
const FILES_A_CONNECTION = 2
const FILES_BESIDE = 512
const LEAST_MEMORY_BYTES = 512 * MIB

/** Limits of the shell that this is run in: a service manager may give others. */
export const machine: Check = async ({ config }) => {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const openFiles = limitOf(limits, 'Max open files')
  const wanted = config['s3.max-connections'] * FILES_A_CONNECTION + FILES_BESIDE
  const found: Finding[] = []
  if (openFiles !== undefined && openFiles < wanted)
    found.push(
      say.warning(
        `${openFiles} files may be open at once, and ${config['s3.max-connections']} connections may want ${wanted}`,
        `raise it (ulimit -n, LimitNOFILE=${wanted}), or lower COFFER_S3_MAX_CONNECTIONS`,
      ),
    )
  else if (openFiles !== undefined) found.push(say.ok(`${openFiles} files may be open at once`))
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
  if (memory < LEAST_MEMORY_BYTES)
    found.push(
      say.warning(
        `${Math.floor(memory / MIB)} MiB of memory: 64 large transfers at once take some 300`,
        'give it 512 MiB, or lower COFFER_S3_MAX_CONNECTIONS',
      ),
    )
  found.push(say.ok(`Node ${process.version}`))
  return found
}

function limitOf(limits: string, name: string): number | undefined {
  const soft = new RegExp(`^${name}\\s+(\\d+|unlimited)`, 'm').exec(limits)?.[1]
  if (soft === undefined) return undefined
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
}
