import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, open, rm, rmdir, statfs, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DeleteObjectCommand, PutObjectCommand, S3ServiceException } from '@aws-sdk/client-s3'
import { diceFrom } from '../../support/content.ts'
import { isHonest } from '../harness/honest.ts'
import { openRig, type Rig } from '../harness/rig.ts'
import type { Scenario } from '../harness/scenario.ts'

const MIB = 1024 * 1024
const DISK_BYTES = 256 * MIB
const RESERVE_BYTES = 64 * MIB
/** What a fill leaves: room for what is written before the server looks again, and for a table of LevelDB's. */
const AT_RESERVE_BYTES = 48 * MIB
const BACK_WITHIN_MS = 15_000
const FILE_SYSTEMS = ['tmpfs', 'ext4'] as const
type FileSystem = (typeof FILE_SYSTEMS)[number]

/** A small file system of its own, filled to the reserve or to its last byte while the server is under load. */
export const fullDisk: Scenario = {
  name: 'full-disk',
  about:
    'a small file system that fills up, to the reserve and to its last byte: 507, reads and deletes go on, space comes back',
  missing: async () => {
    const probe = await mkdtemp(path.join(tmpdir(), 'coffer-mount-'))
    try {
      mount('tmpfs', probe)
      unmount(probe)
      return undefined
    } catch (error) {
      return `no file system can be mounted here (root is needed): ${String(error).split('\n')[0]}`
    } finally {
      await rmdir(probe)
    }
  },
  open: async (options) => {
    const kind = existsSync('/sbin/mkfs.ext4') ? diceFrom(options.seed).pick(FILE_SYSTEMS) : 'tmpfs'
    const settings = { COFFER_DISK_RESERVE_BYTES: `${RESERVE_BYTES}` }
    const root = path.join(options.directory, 'store')
    const rig = await openRig(options, { settings, prepare: () => mountSmall(kind, root, options.directory) })
    const figures = { 'writes refused with 507': 0, 'ended with 75': 0 }
    const excuses = (error: S3ServiceException): boolean => {
      if (error.$metadata.httpStatusCode === 507) figures['writes refused with 507']++
      return isHonest(error)
    }
    return {
      rig,
      round: async (dice, number) => {
        const seed = `${options.seed}/${number}`
        const toTheLast = dice.below(2) === 0
        const what = `${kind} full to ${toTheLast ? 'its last byte' : 'the reserve'}`
        const act = async (): Promise<void> => {
          await sleep(dice.below(400))
          await fill(root, toTheLast ? 0 : AT_RESERVE_BYTES)
          await sleep(options.loadMs)
        }
        await rig.underLoad({ seed, act, excuses })
        rig.injected(what)
        await fill(root, toTheLast ? 0 : AT_RESERVE_BYTES)
        if (rig.server().running()) {
          // Without a byte no use of a key can be recorded, so nothing is read either.
          if (!toTheLast) {
            await checkRefusals(rig)
            await rig.verify()
          }
        } else {
          figures['ended with 75']++
          const how = await rig.server().ended()
          if (how !== 75 || !toTheLast) rig.report(`${what}: ended with ${how}:\n${rig.server().output().slice(-2000)}`)
        }
        await rig.server().kill()
        // At the reserve it starts, so that something can be deleted; without a byte it may say why not.
        await rig.start({}, 30_000).then(
          async () => {
            if (!toTheLast) await rig.verify()
            await rig.server().kill()
          },
          (error: unknown) => {
            const message = String(error)
            if (!toTheLast || /not ready in time|SIG(?!KILL)/.test(message.split('\n')[0] ?? ''))
              rig.report(`no start when ${what}: ${message}`)
          },
        )
        if (number % 2 === 0) {
          await rm(ballastOf(root), { force: true })
          await rig.start()
        } else {
          await fill(root, RESERVE_BYTES + MIB)
          await rig.start()
          await rm(ballastOf(root), { force: true })
        }
        await takesWritesAgain(rig)
        await rig.verify()
      },
      figures: () => figures,
      close: async () => {
        await rig.server().kill()
        unmount(root)
      },
    }
  },
}

const ballastOf = (root: string): string => path.join(root, 'ballast')

function mount(kind: FileSystem, directory: string, image = ''): void {
  const args = kind === 'tmpfs' ? ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs'] : ['-o', 'loop', image]
  execFileSync('mount', [...args, directory], { stdio: 'pipe' })
}

const unmount = (directory: string): void => void execFileSync('umount', [directory], { stdio: 'pipe' })

async function mountSmall(kind: FileSystem, root: string, directory: string): Promise<void> {
  const image = path.join(directory, 'image')
  if (kind === 'ext4') {
    await (await open(image, 'w')).close()
    await truncate(image, DISK_BYTES)
    execFileSync('mkfs.ext4', ['-q', '-m', '0', image], { stdio: 'pipe' })
  }
  mount(kind, root, image)
}

/** Fills the file system, or empties its ballast, until so much is free. */
async function fill(root: string, freeBytes: number): Promise<void> {
  const ballast = await open(ballastOf(root), 'a')
  try {
    for (;;) {
      const { bavail, bsize } = await statfs(root)
      const { size } = await ballast.stat()
      const more = bavail * bsize - freeBytes
      if (Math.abs(more) < 4096 || (more < 0 && size === 0)) return
      if (more < 0) await ballast.truncate(Math.max(0, size + more))
      else await ballast.write(Buffer.alloc(Math.min(more, MIB)))
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  } finally {
    await ballast.close()
  }
}

async function checkRefusals(rig: Rig): Promise<void> {
  const Bucket = rig.buckets[0]
  await sleep(1100)
  const refused = await rig.client.send(new PutObjectCommand({ Bucket, Key: 'w0/k0/refused', Body: 'body' })).then(
    () => 'taken',
    (error: unknown) =>
      error instanceof S3ServiceException ? `${error.$metadata.httpStatusCode} ${error.name}` : String(error),
  )
  if (refused !== '507 InsufficientStorage') rig.report(`at the reserve a PUT was ${refused}`)
  const deleted = rig.model
    .keys()
    .find(({ bucket, possible: [only, ...more] }) => bucket === Bucket && only && more.length === 0)
  if (deleted === undefined) return
  rig.model.begin(deleted.bucket, deleted.key, undefined)
  await rig.client.send(new DeleteObjectCommand({ Bucket, Key: deleted.key })).then(
    () => rig.model.acknowledge(deleted.bucket, deleted.key, undefined),
    (error: unknown) => rig.report(`at the reserve a DELETE was refused: ${String(error)}`),
  )
}

async function takesWritesAgain(rig: Rig): Promise<void> {
  const deadline = performance.now() + BACK_WITHIN_MS
  const target = { Bucket: rig.buckets[0], Key: 'probe' }
  for (;;) {
    try {
      await rig.client.send(new PutObjectCommand({ ...target, Body: 'body' }))
      await rig.client.send(new DeleteObjectCommand(target))
      return
    } catch (error) {
      if (performance.now() > deadline)
        return rig.report(`no write is taken though there is space again: ${String(error)}`)
      await sleep(200)
    }
  }
}
