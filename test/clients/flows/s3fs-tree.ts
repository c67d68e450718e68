import {
  appendFile,
  cp,
  lstat,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
} from 'node:fs/promises'
import path from 'node:path'
import { keysOf, s3ClientFor } from '../../support/s3.ts'
import { same } from '../check.ts'
import type { Client, Connection, Target } from '../client.ts'
import { mountsFor, s3fs } from '../s3fs.ts'
import { SAMPLE_TREE, sameTrees, writeTree } from '../tree.ts'

/** A bucket under a root key of the customer's, used as the directory that s3fs makes of it. */
export const s3fsTree: Client = {
  ...s3fs,
  name: 's3fs tree',
  connect: async (target) => connect(target),
}

async function connect(target: Target): Promise<Connection> {
  const client = s3ClientFor(target)
  const mounts = mountsFor(target)
  const bucket = await target.customerManagedBucket()
  const local = path.join(target.workDir, 'local')
  const at = async (...names: readonly string[]): Promise<string> => path.join(await mounts.of(bucket), ...names)
  return {
    steps: [
      {
        name: 'copy in',
        run: async () => {
          await writeTree(local, SAMPLE_TREE)
          await cp(local, await at('tree'), { recursive: true })
        },
      },
      {
        name: 'read back',
        run: async () => {
          await mounts.close()
          await sameTrees('mounted anew', await at('tree'), local)
        },
      },
      {
        name: 'modes, times',
        run: async () => {
          const file = await at('tree/one byte')
          await utimes(file, 1_700_000_000, 1_700_000_000)
          await symlink('one byte', await at('tree/link'))
          await mounts.close()
          same('time', (await stat(await at('tree/one byte'))).mtimeMs, 1_700_000_000_000)
          same(
            'link',
            [(await lstat(await at('tree/link'))).isSymbolicLink(), await readlink(await at('tree/link'))],
            [true, 'one byte'],
          )
          await rm(await at('tree/link'))
        },
      },
      {
        name: 'append, truncate',
        run: async () => {
          for (const file of [await at('tree/large/12 MiB'), path.join(local, 'large/12 MiB')]) {
            await appendFile(file, 'appended')
          }
          for (const file of [await at('tree/large/20 MiB and 1'), path.join(local, 'large/20 MiB and 1')]) {
            await truncate(file, 7 * 1024 * 1024 + 3)
          }
          await mounts.close()
          await sameTrees('changed', await at('tree'), local)
        },
      },
      {
        name: 'rename',
        run: async () => {
          await rename(await at('tree'), await at('renamed'))
          await mounts.close()
          await sameTrees('renamed', await at('renamed'), local)
          same(
            'left',
            (await keysOf(client, bucket)).filter((key) => key.startsWith('tree')),
            [],
          )
        },
      },
      {
        name: 'remove',
        run: async () => {
          await rm(await at('renamed'), { recursive: true })
          same('left', await keysOf(client, bucket), [])
          await readFile(await at('renamed/empty')).then(
            () => Promise.reject(new Error('a removed file was read')),
            (error: unknown) => same('refused', String(error).includes('ENOENT'), true),
          )
        },
      },
    ],
    close: mounts.close,
  }
}
