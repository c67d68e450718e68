import { CodedError, hasCode } from '../base/errors.ts'
import { type DamagedRow, rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore, MetadataStoreErrorCode, Token, Write } from '../storage/metadata/metadata-store.ts'
import { ObjectsError } from './errors.ts'
import { checkDestinations } from './key-slots.ts'
import { bucketKey, rowsUnder, SPACE } from './keyspace.ts'
import { type BucketRecord, decodeBucket, encodeBucket } from './records.ts'

export interface Bucket extends BucketRecord {
  readonly token: Token
}

/**
 * The buckets, memory-resident: the only writer of their rows is this process. Every object write carries `fence`,
 * so that it cannot commit into a bucket that was deleted or is being deleted meanwhile.
 */
export interface Buckets {
  /** Throws MetadataCorrupt when there is one whose row cannot be read, as everything does that names such a bucket. */
  readonly find: (name: string) => Bucket | undefined
  /** Throws NoSuchBucket. */
  readonly get: (name: string) => Bucket
  /** Not those that cannot be read. */
  readonly all: () => readonly Bucket[]
  /** Names of buckets whose rows cannot be read. */
  readonly damaged: () => readonly string[]
  /** Looks at what is stored. Undefined when there is no such bucket any more. */
  readonly refresh: (name: string) => Promise<Bucket | undefined>
  /** As `refresh`, of those whose rows another thread has changed, whatever is found there. */
  readonly follow: (names: readonly string[]) => Promise<void>
  /** With further writes of the same commit. Throws BucketAlreadyExists. */
  readonly create: (record: BucketRecord, also?: readonly Write[]) => Promise<Bucket>
  /** Compare-and-set of the whole record, with further writes. Throws BucketBusy when it changed meanwhile. */
  readonly replace: (bucket: Bucket, record: BucketRecord, also?: readonly Write[]) => Promise<Bucket>
  readonly remove: (bucket: Bucket, also?: readonly Write[]) => Promise<void>
  readonly fence: (bucket: Bucket) => Write
}

/** A row that cannot be read is told of; its bucket is refused, and the others serve. */
export async function openBuckets(
  metadata: MetadataStore,
  onDamage: (name: string, cause: unknown) => void = () => {},
): Promise<Buckets> {
  const byName = new Map<string, Bucket>()
  const damaged = new Map<string, unknown>()
  const page = 1000
  let gte = Buffer.alloc(0)
  for (;;) {
    const { lt } = rowsUnder(Buffer.from([0xff]))
    const rows: (Entry | DamagedRow)[] = await rangeWithDamaged(metadata, SPACE.bucket, { gte, lt, limit: page })
    for (const row of rows) {
      const name = row.key.toString('utf8')
      const bucket = 'damage' in row ? row.damage : bucketIn(row)
      if (!(bucket instanceof Error)) {
        byName.set(name, bucket)
        continue
      }
      damaged.set(name, bucket)
      onDamage(name, bucket)
    }
    const last = rows.at(-1)
    if (rows.length < page || !last) break
    gte = Buffer.concat([last.key, Buffer.from([0])])
  }

  const read = async (name: string): Promise<Bucket | undefined> => {
    const row = await metadata.get(SPACE.bucket, bucketKey(name))
    if (!row) {
      byName.delete(name)
      return undefined
    }
    const bucket = bucketIn(row)
    if (bucket instanceof Error) throw bucket
    byName.set(name, bucket)
    return bucket
  }
  const follow = async (name: string): Promise<void> => {
    try {
      await refresh(name)
      damaged.delete(name)
    } catch (error) {
      if (!hasCode<MetadataStoreErrorCode>(error, 'MetadataCorrupt')) throw error
      byName.delete(name)
      damaged.set(name, error)
    }
  }

  // One after the other: a late answer must not put back what a later one replaced.
  let reading: Promise<unknown> = Promise.resolve()
  const refresh = (name: string): Promise<Bucket | undefined> => {
    const bucket = reading.then(() => read(name))
    reading = bucket.catch(() => undefined)
    return bucket
  }

  /** What is in memory follows what is stored, also when nobody knows whether the commit took place. */
  const commit = async (name: string, writes: readonly Write[]): Promise<boolean> => {
    try {
      return await metadata.commit(writes)
    } finally {
      await refresh(name)
    }
  }
  const put = (record: BucketRecord, condition: Token | null, also: readonly Write[] = []): Promise<boolean> => {
    const key = bucketKey(record.name)
    const write: Write = { type: 'put', space: SPACE.bucket, key, value: encodeBucket(record), if: condition }
    return commit(record.name, [write, ...also])
  }
  const find = (name: string): Bucket | undefined => {
    if (damaged.has(name)) throw unreadable(damaged.get(name))
    return byName.get(name)
  }
  const get = (name: string): Bucket => {
    const bucket = find(name)
    if (!bucket) {
      throw new ObjectsError('NoSuchBucket', 'The specified bucket does not exist', { details: { bucketName: name } })
    }
    return bucket
  }

  return {
    find,
    get,
    all: () => [...byName.values()],
    damaged: () => [...damaged.keys()],
    refresh,
    follow: async (names) => void (await Promise.all(names.map(follow))),
    create: async (record, also) => {
      const created = await put(record, null, also).catch((error: unknown) => {
        // The outcome was not known, but the row says it.
        if (byName.get(record.name)?.id === record.id) return true
        throw error
      })
      if (!created) throw new ObjectsError('BucketAlreadyExists', 'The requested bucket name is not available')
      return get(record.name)
    },
    replace: async (bucket, record, also) => {
      checkDestinations(bucket, record)
      if (!(await put(record, bucket.token, also))) throw changed()
      return get(record.name)
    },
    remove: async (bucket, also = []) => {
      const write: Write = { type: 'delete', space: SPACE.bucket, key: bucketKey(bucket.name), if: bucket.token }
      const removed = await commit(bucket.name, [write, ...also]).catch((error: unknown) => {
        if (byName.get(bucket.name)?.id !== bucket.id) return true
        throw error
      })
      if (!removed) throw changed()
    },
    fence: (bucket) => ({ type: 'check', space: SPACE.bucket, key: bucketKey(bucket.name), if: bucket.token }),
  }
}

/** The bucket of a row, or why it is none. */
function bucketIn({ key, value, token }: Entry): Bucket | Error {
  try {
    const record = decodeBucket(value)
    if (record.name === key.toString('utf8')) return { ...record, token }
    return unreadable(new Error('the record of a bucket does not belong to its row'))
  } catch (error) {
    return hasCode<MetadataStoreErrorCode>(error, 'MetadataCorrupt') ? error : unreadable(error)
  }
}

const unreadable = (cause: unknown): CodedError<MetadataStoreErrorCode> =>
  new CodedError('MetadataCorrupt', 'what is stored of the bucket cannot be read: restore it from a backup', { cause })

/** The same bucket as it is now; as it was when it is gone. */
export const currentOf =
  ({ find }: Pick<Buckets, 'find'>) =>
  (bucket: BucketRecord): BucketRecord => {
    const now = find(bucket.name)
    return now?.id === bucket.id ? now : bucket
  }

const changed = (): ObjectsError => new ObjectsError('BucketBusy', 'the bucket changed at the same time')
