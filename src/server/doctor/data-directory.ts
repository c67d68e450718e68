import { constants } from 'node:fs'
import { access, mkdir, readFile, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasErrno } from '../../storage/errno.ts'
import { warnBytesOf } from '../disk-watch.ts'
import { type Check, type Finding, finding } from './finding.ts'
import { closed } from './modes.ts'
import { syncing } from './syncing.ts'

const say = finding('data directory')

/** What keeps what it was told to keep, as far as fsync goes. */
const DURABLE = new Set(['ext4', 'xfs', 'btrfs', 'zfs', 'ext3', 'f2fs'])
const IN_MEMORY = new Set(['tmpfs', 'ramfs'])
const MIB = 1024 ** 2
const FEW_FILES = 10_000

export const dataDirectory: Check = async ({ config, dataDir }) => {
  const found = await stat(dataDir).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  })
  if (!found) {
    const parent = dirname(dataDir)
    return (await isWritable(parent))
      ? [say.ok(`${dataDir} is not there yet: the first start makes it`)]
      : [
          say.problem(
            `${dataDir} is not there, and ${parent} may not be written`,
            `make it, with this user as its owner: install -d -m 0700 ${dataDir}`,
            (await isWritable(await nearestAbove(parent)))
              ? {
                  command: `install -d -m 0700 ${dataDir}`,
                  apply: async () => void (await mkdir(dataDir, { recursive: true, mode: 0o700 })),
                }
              : undefined,
          ),
        ]
  }
  if (!found.isDirectory())
    return [say.problem(`${dataDir} is no directory`, 'name another place with COFFER_DATA_DIR')]
  const findings: Finding[] = []
  if (!(await isWritable(dataDir)))
    findings.push(
      say.problem(
        `${dataDir} may not be written by this user`,
        `chown -R the directory to the user of the server, or start as that one`,
      ),
    )
  if ((found.mode & 0o077) !== 0)
    findings.push(
      say.warning(
        `${dataDir} may be read by others: names, sizes and ciphertext are theirs to copy`,
        `chmod 0700 ${dataDir}`,
        closed(dataDir, found),
      ),
    )
  const reserveBytes = config['disk.reserve-bytes']
  const marks = { reserveBytes, warnBytes: warnBytesOf(reserveBytes, config['disk.warn-bytes']) }
  findings.push(...(await room(dataDir, marks)), ...(await fileSystem(dataDir)), ...(await syncing(dataDir)))
  for (const { name, directory } of config['storage-classes']) {
    if (await isWritable(directory)) findings.push(...(await room(directory, marks)), ...(await syncing(directory)))
    else
      findings.push(
        say.problem(
          `${directory} of the storage class ${name} is not there, or may not be written`,
          'mount it before the server starts, or give its directory to this user',
        ),
      )
  }
  return findings
}

/** The first that is there. */
async function nearestAbove(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  )
  return isThere || dirname(path) === path ? path : nearestAbove(dirname(path))
}

const isWritable = (path: string): Promise<boolean> =>
  access(path, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  )

async function room(
  directory: string,
  { reserveBytes, warnBytes }: { readonly reserveBytes: number; readonly warnBytes: number },
): Promise<readonly Finding[]> {
  const { bavail, bsize, files, ffree } = await statfs(directory)
  const free = bavail * bsize
  const mib = (bytes: number) => `${Math.floor(bytes / MIB)} MiB`
  const inode =
    files > 0 && ffree < FEW_FILES
      ? [
          say.warning(
            `${directory}: ${ffree} files may still be made there`,
            'free inodes: objects above 256 KiB are files of their own',
          ),
        ]
      : []
  if (free < reserveBytes)
    return [
      ...inode,
      say.problem(
        `${directory} has ${mib(free)} left, less than the reserve of ${mib(reserveBytes)}: writes are refused`,
        'make room (deleting objects works), or lower COFFER_DISK_RESERVE_BYTES',
      ),
    ]
  if (free < warnBytes)
    return [
      ...inode,
      say.warning(
        `${directory} has ${mib(free)} left; below ${mib(reserveBytes)} writes are refused`,
        'make room, or move to a larger disk',
      ),
    ]
  return [...inode, say.ok(`${directory}: ${mib(free)} free`)]
}

async function fileSystem(directory: string): Promise<readonly Finding[]> {
  const type = await fileSystemOf(directory).catch(() => undefined)
  if (type === undefined) return []
  if (IN_MEMORY.has(type))
    return [
      say.problem(
        `${directory} is in memory (${type}): everything is lost with a restart`,
        'name a directory on a disk with COFFER_DATA_DIR',
      ),
    ]
  if (DURABLE.has(type)) return [say.ok(`file system ${type}`)]
  return [
    say.warning(
      `file system ${type}: whether it keeps what it says it has synced was never tried with Coffer`,
      'use ext4 or XFS on a local disk',
    ),
  ]
}

/** Of the mount that is nearest above it; where the system tells. */
async function fileSystemOf(directory: string): Promise<string | undefined> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '))
  const above = mounts.filter(
    ([, at = '']) => directory === at || directory.startsWith(at.endsWith('/') ? at : `${at}/`),
  )
  return above.toSorted(([, a = ''], [, b = '']) => b.length - a.length)[0]?.[2]
}
