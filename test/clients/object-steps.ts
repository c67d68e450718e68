import { HeadBucketCommand, HeadObjectCommand, NotFound, type S3Client } from '@aws-sdk/client-s3'
import { contentBytes, hashOf } from '../support/content.ts'
import { emptyBucket, keysOf, makeBucket, s3ClientFor } from '../support/s3.ts'
import { bucketNameFor, fileMaker, isMissing, same, sameAs } from './check.ts'
import type { Missing, ObjectVerbs, Step, Target } from './client.ts'

const MIB = 1024 * 1024
const LARGE_BYTES = 50 * MIB
const SIZES = { '0 B': 0, '1 B': 1, '64K-1': 65_535, '64K': 65_536, '64K+1': 65_537 }
export const LARGE_STEP = '50 MB parts'
export const OBJECT_STEPS = [
  ...['make bucket', ...Object.keys(SIZES), LARGE_STEP, 'odd keys', 'list', 'range', 'copy'],
  ...['presign GET', 'presign PUT', 'delete', 'own root key', 'remove bucket'],
]

/** 1024 bytes of UTF-8, the longest key there is, in segments that a file system accepts. */
const LONGEST_KEY = `${`${'k'.repeat(203)}/`.repeat(5)}ünd`.padEnd(1023, 'x')
export const ODD_KEYS = ['a b+c&d=e?f#g%20h', 'ünï☃😀', '/leading', 'a/../b', 'trailing/', LONGEST_KEY]

/** The row of a client that works on objects by name. Every byte that comes back is compared by its hash. */
export function objectSteps(name: string, verbs: ObjectVerbs, target: Target): readonly Step[] {
  const bucket = bucketNameFor(name)
  const neutral = s3ClientFor(target)
  const files = fileMaker(target.workDir)

  const roundTrip = async (where: string, key: string, lengthBytes: number): Promise<void> => {
    await verbs.put(where, key, await files.make(key, lengthBytes))
    await sameAs(key, lengthBytes, await fetched(where, key))
  }
  const fetched = async (where: string, key: string): Promise<string> => {
    const file = files.fresh()
    await verbs.get(where, key, file)
    return file
  }
  const when = <F>(verb: F | Missing, use: (verb: F) => Promise<void>): Step['run'] =>
    isMissing(verb) ? verb : () => use(verb)

  return [
    { name: 'make bucket', run: create(verbs.makeBucket) },
    ...Object.entries(SIZES).map(([size, lengthBytes]) => ({
      name: size,
      run: () => roundTrip(bucket, `size-${lengthBytes}`, lengthBytes),
    })),
    { name: LARGE_STEP, run: large },
    { name: 'odd keys', run: oddKeys },
    {
      name: 'list',
      run: when(verbs.list, async (list) => {
        for (const key of ['list/a', 'list/b/c', 'list/b/d', 'listed'])
          await verbs.put(bucket, key, await files.make(key, 10))
        same('keys under list/', (await list(bucket, 'list/', undefined)).keys, ['list/a', 'list/b/c', 'list/b/d'])
        const level = await list(bucket, 'list/', '/')
        same('keys of one level', level.keys, ['list/a'])
        same('prefixes of one level', level.prefixes, ['list/b/'])
      }),
    },
    {
      name: 'range',
      run: when(verbs.range, async (range) => {
        const [start, end] = [65_530, 65_530 + 3 * 65_536]
        const wanted = contentBytes('large', LARGE_BYTES).subarray(start, end + 1)
        same('range', await hashOf(await range(bucket, 'large', start, end)), await hashOf(wanted))
      }),
    },
    {
      name: 'copy',
      run: when(verbs.copy, async (copy) => {
        await copy(bucket, 'size-65537', 'copy of size')
        await sameAs('size-65537', 65_537, await fetched(bucket, 'copy of size'))
      }),
    },
    {
      name: 'presign GET',
      run: when(verbs.presignGet, async (presign) => {
        const reply = await fetch(await presign(bucket, 'size-65537'))
        same('status', reply.status, 200)
        same('body', await hashOf(await reply.bytes()), await hashOf(contentBytes('size-65537', 65_537)))
      }),
    },
    {
      name: 'presign PUT',
      run: when(verbs.presignPut, async (presign) => {
        const reply = await fetch(await presign(bucket, 'signed'), {
          method: 'PUT',
          body: new Uint8Array(contentBytes('signed', 65_537)),
        })
        same('status', `${reply.status} ${await reply.text()}`, '200 ')
        await sameAs('signed', 65_537, await fetched(bucket, 'signed'))
      }),
    },
    {
      name: 'delete',
      run: async () => {
        await verbs.remove(bucket, 'size-65536')
        if (await present(neutral, bucket, 'size-65536')) throw new Error('the object is still there')
      },
    },
    {
      name: 'own root key',
      run: async () => {
        const sealed = await target.customerManagedBucket()
        for (const [key, lengthBytes] of [
          ['sealed-small', 65_537],
          ['sealed-large', LARGE_BYTES],
        ] as const) {
          await roundTrip(sealed, key, lengthBytes)
          await verbs.remove(sealed, key)
        }
      },
    },
    {
      name: 'remove bucket',
      run: when(verbs.removeBucket, async (removeBucket) => {
        await emptyBucket(neutral, bucket)
        await removeBucket(bucket)
        const gone = await neutral.send(new HeadBucketCommand({ Bucket: bucket })).then(() => false, isNotFound)
        if (!gone) throw new Error('the bucket is still there')
      }),
    },
  ]

  /** A client that can't make the bucket which its further steps need gets it from another client. */
  function create(make: ObjectVerbs['makeBucket']): Step['run'] {
    if (isMissing(make)) return { ...make, instead: () => makeBucket(neutral, bucket) }
    return async () => {
      await make(bucket)
      await neutral.send(new HeadBucketCommand({ Bucket: bucket }))
    }
  }

  async function large(): Promise<void> {
    await roundTrip(bucket, 'large', LARGE_BYTES)
    const { ETag: etag } = await neutral.send(new HeadObjectCommand({ Bucket: bucket, Key: 'large' }))
    if (!/^"[0-9a-f]{32}-\d+"$/.test(etag ?? '')) throw new Error(`not uploaded in parts: ETag ${etag}`)
  }

  async function oddKeys(): Promise<void> {
    const nameable = ODD_KEYS.filter((key) => verbs.unnameable?.(key) === undefined)
    for (const key of nameable) {
      await roundTrip(bucket, key, 1000)
      const keys = await keysOf(neutral, bucket)
      if (!keys.includes(key))
        throw new Error(`${JSON.stringify(key)} was stored under another name: ${JSON.stringify(keys)}`)
      await verbs.remove(bucket, key)
      if (await present(neutral, bucket, key)) throw new Error(`${JSON.stringify(key)} was not removed`)
    }
  }
}

/** Reasons why a client leaves out some of the odd keys, for the notes below the table. */
export function oddKeyNotes(verbs: ObjectVerbs): readonly string[] {
  return ODD_KEYS.flatMap((key) => {
    const reason = verbs.unnameable?.(key)
    return reason === undefined
      ? []
      : [`odd keys without ${JSON.stringify(key.length > 40 ? `${key.slice(0, 10)}…` : key)}: ${reason}`]
  })
}

const isNotFound = (error: unknown): boolean => error instanceof NotFound

async function present(client: S3Client, bucket: string, key: string): Promise<boolean> {
  return client.send(new HeadObjectCommand({ Bucket: bucket, Key: key })).then(
    () => true,
    (error: unknown) => {
      if (isNotFound(error)) return false
      throw error
    },
  )
}
