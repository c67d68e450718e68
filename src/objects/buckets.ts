import type { MetadataStore, Token, Write } from '../storage/metadata/metadata-store.ts'
import { ObjectsError } from './errors.ts'
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
  readonly find: (name: string) => Bucket | undefined
  /** Throws NoSuchBucket. */
  readonly get: (name: string) => Bucket
  readonly all: () => readonly Bucket[]
  /** Throws BucketAlreadyExists. */
  readonly create: (record: BucketRecord) => Promise<Bucket>
  /** Compare-and-set of the whole record. Throws BucketBusy when it changed meanwhile. */
  readonly replace: (bucket: Bucket, record: BucketRecord) => Promise<Bucket>
  readonly remove: (bucket: Bucket) => Promise<void>
  readonly fence: (bucket: Bucket) => Write
}

export async function openBuckets(metadata: MetadataStore): Promise<Buckets> {
  const byName = new Map<string, Bucket>()
  const page = 1000
  let gte = Buffer.alloc(0)
  for (;;) {
    const rows = await metadata.range(SPACE.bucket, { gte, lt: rowsUnder(Buffer.from([0xff])).lt, limit: page })
    for (const row of rows) {
      const record = decodeBucket(row.value)
      byName.set(record.name, { ...record, token: row.token })
    }
    const last = rows.at(-1)
    if (rows.length < page || !last) break
    gte = Buffer.concat([last.key, Buffer.from([0])])
  }

  const reload = async (name: string): Promise<Bucket> => {
    const row = await metadata.get(SPACE.bucket, bucketKey(name))
    if (!row) throw new ObjectsError('BucketBusy', 'the bucket changed at the same time')
    const bucket = { ...decodeBucket(row.value), token: row.token }
    byName.set(name, bucket)
    return bucket
  }

  const put = async (record: BucketRecord, condition: Token | null): Promise<boolean> =>
    metadata.commit([
      { type: 'put', space: SPACE.bucket, key: bucketKey(record.name), value: encodeBucket(record), if: condition },
    ])

  return {
    find: (name) => byName.get(name),
    get: (name) => {
      const bucket = byName.get(name)
      if (!bucket) throw new ObjectsError('NoSuchBucket', 'The specified bucket does not exist')
      return bucket
    },
    all: () => [...byName.values()],
    create: async (record) => {
      if (!(await put(record, null))) {
        throw new ObjectsError('BucketAlreadyExists', 'The requested bucket name is not available')
      }
      return reload(record.name)
    },
    replace: async (bucket, record) => {
      if (!(await put(record, bucket.token))) {
        throw new ObjectsError('BucketBusy', 'the bucket changed at the same time')
      }
      return reload(record.name)
    },
    remove: async (bucket) => {
      const key = bucketKey(bucket.name)
      if (!(await metadata.commit([{ type: 'delete', space: SPACE.bucket, key, if: bucket.token }]))) {
        throw new ObjectsError('BucketBusy', 'the bucket changed at the same time')
      }
      byName.delete(bucket.name)
    },
    fence: (bucket) => ({ type: 'check', space: SPACE.bucket, key: bucketKey(bucket.name), if: bucket.token }),
  }
}
