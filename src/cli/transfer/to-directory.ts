import { lstat, utimes } from 'node:fs/promises'
import type { S3 } from '@aws-sdk/client-s3'
import type { Call } from '../call.ts'
import { CommandFailure } from '../failure.ts'
import { checkFile, checkOf } from '../s3/content-check.ts'
import { download } from '../s3/download.ts'
import { inside } from '../s3/inside.ts'
import { type ListedObject, objects, signalled } from '../s3/listing.ts'
import { type ObjectReference, referenceText } from '../s3/references.ts'
import type { KeyPlan } from './plan.ts'
import { transferred } from './transfer.ts'

interface Place {
  readonly s3: S3
  readonly from: ObjectReference
  /** Absolute. */
  readonly root: string
  readonly signal: AbortSignal
}

/** Contents and times. A file that has the size and the time of the object counts as it; with --check its content is read. */
export async function toDirectory(call: Call, place: Place, endpoint: string): Promise<'done'> {
  await place.s3.headBucket({ Bucket: place.from.bucket })
  return transferred(call, {
    ...{ source: `s3://${referenceText(place.from)}`, destination: place.root, isVersioned: false, endpoint },
    plans: (isKnown) => planned(place, call.flag('check'), isKnown),
    move: async ({ key, versions: [version] }, onBytes) => {
      const path = await inside(place.root, key.slice(place.from.key.length))
      const got = await download(place.s3, {
        ...{ bucket: place.from.bucket, key, path, atOnce: 1, onBytes, signal: place.signal },
      })
      // As it was listed: that is what the next run compares with.
      const modified = version?.modified ?? got.modified
      if (modified) await utimes(path, modified, modified)
      return [got.checked === undefined ? 'size' : got.checked === 'md5' ? 'etag' : 'checksum']
    },
  })
}

async function* planned(place: Place, isCheck: boolean, isKnown: (key: string) => void): AsyncGenerator<KeyPlan> {
  const { s3, from, root, signal } = place
  for await (const one of objects(s3, { bucket: from.bucket, prefix: from.key, signal })) {
    // A folder that some clients make as an object of its own.
    if (one.key.endsWith('/')) continue
    isKnown(one.key)
    const name = one.key.slice(from.key.length)
    const version = { ...one, versionId: '', isLatest: true, isDeleteMarker: false }
    const plan = { key: one.key, target: name, versions: [version], bytes: one.size }
    let path: string
    try {
      path = await inside(root, name)
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error
      yield { ...plan, difference: 'missing', conflict: error.failure.why }
      continue
    }
    const found = await lstat(path).catch(() => undefined)
    if (!found) yield { ...plan, difference: 'missing' }
    else if (!isSameFile(one, found) || (isCheck && !(await holds(place, one, path))))
      yield { ...plan, difference: 'different' }
  }
}

/** File systems keep times as coarsely as this. */
const COARSEST_MS = 2000

const isSameFile = (
  { size, modified }: ListedObject,
  found: { readonly size: number; readonly mtimeMs: number; readonly isFile: () => boolean },
): boolean =>
  found.isFile() && found.size === size && Math.abs(found.mtimeMs - (modified?.getTime() ?? 0)) < COARSEST_MS

/** Whether the content of the file is the object's, as far as the server tells a checksum of it. */
async function holds({ s3, from, signal }: Place, { key }: ListedObject, path: string): Promise<boolean> {
  const head = await s3.headObject({ Bucket: from.bucket, Key: key, ChecksumMode: 'ENABLED' }, signalled(signal))
  const isPlain = head.ServerSideEncryption === undefined || head.ServerSideEncryption === 'AES256'
  const check = checkOf(head, isPlain && head.SSECustomerAlgorithm === undefined)
  if (!check) return true
  return checkFile(path, check).then(
    () => true,
    (error: unknown) => {
      if (error instanceof CommandFailure) return false
      throw error
    },
  )
}
