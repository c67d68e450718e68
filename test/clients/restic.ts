import { createReadStream } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { contentBytes, hashOf } from '../support/content.ts'
import { emptyBucket, s3ClientFor } from '../support/s3.ts'
import { bucketNameFor, fileMaker, same, sameAs } from './check.ts'
import { type Client, type Missing, missing, type Step, type Target } from './client.ts'
import { firstLine, runText } from './command.ts'
import { installDebian } from './install.ts'
import { LARGE_STEP, OBJECT_STEPS } from './object-steps.ts'

/** A backup program: files go in and come back as snapshots of an encrypted repository, so its steps are its own. */
export const restic: Client = {
  name: 'restic',
  install: () => installDebian('restic'),
  version: () => firstLine('restic', ['version']),
  connect: async (target) => ({ steps: stepsFor(target) }),
}

const SIZES: Readonly<Record<string, number>> = {
  '0 B': 0,
  '1 B': 1,
  '64K-1': 65_535,
  '64K': 65_536,
  '64K+1': 65_537,
  [LARGE_STEP]: 50 * 1024 * 1024,
}
const ODD_NAMES = ['a b+c&d=e?f#g%20h', 'ünï☃😀']

export const resticRepositoryIn = (target: Target, bucket: string): string => `s3:${target.s3Url}/${bucket}/repository`

/** The command with the repository in a bucket. */
export function resticFor(target: Target, bucket: string): (...args: readonly string[]) => Promise<string> {
  const password = 'correct horse battery staple'
  const env = {
    HOME: target.workDir,
    RESTIC_PASSWORD: password,
    RESTIC_FROM_PASSWORD: password,
    AWS_ACCESS_KEY_ID: target.accessKeyId,
    AWS_SECRET_ACCESS_KEY: target.secretAccessKey,
    AWS_DEFAULT_REGION: target.region,
  }
  return (...args) =>
    runText('restic', ['--quiet', '--no-cache', '--repo', resticRepositoryIn(target, bucket), ...args], { env })
}

function stepsFor(target: Target): readonly Step[] {
  const bucket = bucketNameFor('restic')
  const files = fileMaker(target.workDir)
  const restic = (where: string, ...args: string[]): Promise<string> => resticFor(target, where)(...args)
  const roundTrip = async (where: string, name: string, lengthBytes: number): Promise<void> => {
    const file = await files.make(name, lengthBytes)
    const restored = files.fresh()
    await restic(where, 'backup', '--tag', name, file)
    await restic(where, 'restore', 'latest', '--tag', name, '--target', restored)
    await sameAs(name, lengthBytes, path.join(restored, file))
    await restic(where, 'check', '--read-data')
  }
  const steps: Readonly<Record<string, Step['run']>> = {
    'make bucket': async () => void (await restic(bucket, 'init')),
    'odd keys': async () => {
      const [source, restored] = [files.fresh(), files.fresh()]
      await mkdir(source)
      for (const name of ODD_NAMES) await writeFile(path.join(source, name), contentBytes(name, 1000))
      await restic(bucket, 'backup', '--tag', 'odd', source)
      await restic(bucket, 'restore', 'latest', '--tag', 'odd', '--target', restored)
      for (const name of ODD_NAMES) {
        const got = await hashOf(createReadStream(path.join(restored, source, name)))
        same(name, got, await hashOf(contentBytes(name, 1000)))
      }
      await rm(source, { recursive: true })
    },
    list: async () => {
      const snapshots: { tags?: string[] }[] = JSON.parse(await restic(bucket, 'snapshots', '--json'))
      same('snapshots', snapshots.length, Object.keys(SIZES).length + 1)
    },
    range: missing('reads ranges of its pack files by itself while it restores'),
    copy: missing('has no server-side copy'),
    'presign GET': missing('makes no URLs'),
    'presign PUT': missing('makes no URLs'),
    delete: async () => void (await restic(bucket, 'forget', '--tag', LARGE_STEP, '--keep-last', '0', '--prune')),
    'own root key': async () => {
      const sealed = await target.customerManagedBucket()
      await restic(sealed, 'init')
      await roundTrip(sealed, 'sealed', 50 * 1024 * 1024)
      await emptyBucket(s3ClientFor(target), sealed)
    },
    'remove bucket': missing('never removes a bucket'),
  }
  const step = (name: string): (() => Promise<void>) | Missing => {
    const lengthBytes = SIZES[name]
    return lengthBytes === undefined
      ? (steps[name] ?? missing('no such step'))
      : () => roundTrip(bucket, name, lengthBytes)
  }
  return OBJECT_STEPS.map((name) => ({ name, run: step(name) }))
}
