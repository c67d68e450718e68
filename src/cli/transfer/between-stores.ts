import type { S3 } from '@aws-sdk/client-s3'
import type { Call } from '../call.ts'
import { CommandFailure, notFound } from '../failure.ts'
import { member } from '../json.ts'
import { orNone } from '../s3/or-none.ts'
import { type ObjectReference, referenceText } from '../s3/references.ts'
import { type Checked, copyVersion } from './copy-version.ts'
import { planCurrent, planVersions, type Route } from './plan.ts'
import { TRANSFER_OPTIONS, transferred } from './transfer.ts'

export const STORE_OPTIONS = {
  versions: { help: 'every version and delete marker, in their order; the destination keeps versions' },
  check: { help: 'copies nothing and says what is missing or different; exit status 3 if anything is' },
  'size-only': { help: 'for a source whose ETags are no MD5 and that has no checksums: sizes count' },
  ...TRANSFER_OPTIONS,
} as const

/** A prefix means the folder. */
export const folder = ({ bucket, key }: ObjectReference): ObjectReference => ({
  bucket,
  key: key === '' || key.endsWith('/') ? key : `${key}/`,
})

/** From one S3 store to another. */
export async function betweenStores(call: Call, route: Route, endpoint: string): Promise<'done'> {
  const isVersioned = call.flag('versions')
  await requireBucket(route.source, route.from.bucket, 'source')
  await requireBucket(route.destination, route.to.bucket, 'destination')
  if (isVersioned) await requireVersioning(route.destination, route.to.bucket)
  const keepsLocks = await hasLock(route.destination, route.to.bucket)
  let unlocked = 0
  return transferred(call, {
    ...{ source: `s3://${referenceText(route.from)}`, destination: referenceText(route.to), isVersioned, endpoint },
    plans: (isKnown) => (isVersioned ? planVersions(route, isKnown) : planCurrent(route, isKnown)),
    move: async ({ versions, target }, onBytes) => {
      const checks: Checked[] = []
      // One after the other: their order is what makes them versions.
      for (const version of versions) {
        if (version.isDeleteMarker) await route.destination.deleteObject({ Bucket: route.to.bucket, Key: target })
        else {
          const sizeOnly = call.flag('size-only')
          checks.push(
            await copyVersion({ route, target, version, keepsLocks, sizeOnly, onBytes, onUnlocked: () => unlocked++ }),
          )
        }
      }
      return checks
    },
    unlocked: () => unlocked,
  })
}

async function requireBucket(s3: S3, bucket: string, side: string): Promise<void> {
  try {
    await s3.headBucket({ Bucket: bucket })
  } catch (error) {
    if (member(error, 'name') !== 'NotFound') throw error
    throw notFound(
      'NoSuchBucket',
      side === 'source'
        ? `the source has no bucket ${bucket}`
        : `the ${side} has no bucket ${bucket}; make it there first`,
    )
  }
}

async function requireVersioning(s3: S3, bucket: string): Promise<void> {
  const { Status: status } = await s3.getBucketVersioning({ Bucket: bucket })
  if (status === 'Enabled') return
  throw new CommandFailure({
    code: 'NotVersioned',
    ending: 'conflict',
    why: `${bucket} keeps no versions`,
    fixes: [`coffer bucket versioning ${bucket} on`],
  })
}

const hasLock = async (s3: S3, bucket: string): Promise<boolean> =>
  (await orNone(s3.getObjectLockConfiguration({ Bucket: bucket })))?.ObjectLockConfiguration?.ObjectLockEnabled ===
  'Enabled'
