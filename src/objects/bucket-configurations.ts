import type { Clock } from '../base/clock.ts'
import { CodedError, hasCode } from '../base/errors.ts'
import type { FollowRows } from '../storage/metadata/changed-row.ts'
import { type DamagedRow, rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore, MetadataStoreErrorCode, Write } from '../storage/metadata/metadata-store.ts'
import {
  type BucketConfiguration,
  type BucketSettings,
  bucketOfConfigurationRow,
  configurationPrefix,
  configurationRemovals,
  configurationWrites,
  readConfiguration,
  UNCONFIGURED,
} from './bucket-configuration.ts'
import type { Bucket, Buckets } from './buckets.ts'
import { ObjectsError } from './errors.ts'
import { rowsUnder, SPACE } from './keyspace.ts'

type Identified = Pick<Bucket, 'id'>

/**
 * The configurations of the buckets, memory-resident as the buckets are: the request after a change sees it. Rows of
 * their own, not members of the bucket's row: that one changes with the keys, and every change of it makes writes that
 * are under way wrap their keys anew.
 */
export interface Configurations {
  /** Throws MetadataCorrupt when what is stored cannot be read: nobody knows then whom its firewall lets in. */
  readonly of: (bucket: Identified) => BucketConfiguration
  /**
   * `next` gets what is there and may throw. One change of a bucket at a time: the caller sees to it. Throws BucketBusy
   * when the bucket is being deleted, NoSuchBucket when it is gone.
   */
  readonly change: (bucket: Bucket, next: (now: BucketConfiguration) => BucketSettings) => Promise<BucketConfiguration>
  /** Belongs into the commit that removes the bucket; `forget` follows it. */
  readonly removals: (bucket: Identified) => readonly Write[]
  readonly forget: (bucket: Identified) => void
  readonly follow: FollowRows
}

const PAGE = 100
/** The bucket's row changes seldom, and each change means that something else went on. */
const MAX_ATTEMPTS = 20

export async function openConfigurations(
  metadata: MetadataStore,
  buckets: Buckets,
  clock: Clock,
  onDamage: (bucketId: string, cause: unknown) => void = () => {},
): Promise<Configurations> {
  const byBucket = new Map<string, BucketConfiguration>()
  const damaged = new Map<string, unknown>()
  for (const [id, rows] of await allRows(metadata)) {
    try {
      byBucket.set(id, readConfiguration(rows.map(intact)))
    } catch (error) {
      if (!hasCode<MetadataStoreErrorCode>(error, 'MetadataCorrupt')) throw error
      damaged.set(id, error)
      onDamage(id, error)
    }
  }

  const of = ({ id }: Identified): BucketConfiguration => {
    if (damaged.has(id)) throw unreadable(damaged.get(id))
    return byBucket.get(id) ?? UNCONFIGURED
  }
  const refresh = async ({ id }: Identified): Promise<void> => {
    const rows = await metadata.range(SPACE.configuration, { ...rowsUnder(configurationPrefix(id)), limit: PAGE })
    if (rows.length > 0) byBucket.set(id, readConfiguration(rows))
    else byBucket.delete(id)
  }
  /** What is in memory follows what is stored, also when nobody knows whether the commit took place. */
  const commit = async (bucket: Bucket, writes: readonly Write[]): Promise<boolean> => {
    try {
      return await metadata.commit([buckets.fence(bucket), ...writes])
    } finally {
      await refresh(bucket)
    }
  }

  return {
    of,
    change: async (bucket, next) => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const fenced = buckets.get(bucket.name)
        if (fenced.id !== bucket.id) throw new ObjectsError('NoSuchBucket', 'The specified bucket does not exist')
        if (fenced.deleting) break
        const now = of(bucket)
        const changed = { ...next(now), revision: now.revision + 1, updatedAtMs: clock.now() }
        if (await commit(fenced, configurationWrites(bucket.id, changed))) return of(bucket)
        await buckets.refresh(bucket.name)
      }
      throw new ObjectsError('BucketBusy', 'the bucket changed at the same time')
    },
    removals: (bucket) => (byBucket.has(bucket.id) ? configurationRemovals(bucket.id) : []),
    forget: ({ id }) => void byBucket.delete(id),
    follow: async (rows) => {
      const ids = new Set(
        rows.filter(({ space }) => space === SPACE.configuration).map(({ key }) => bucketOfConfigurationRow(key)),
      )
      const all = await Promise.all(Array.from(ids, async (id) => ({ id, found: await readAgain(metadata, id) })))
      return () => {
        for (const { id, found } of all) {
          damaged.delete(id)
          byBucket.delete(id)
          if (found instanceof Error) damaged.set(id, found)
          else if (found) byBucket.set(id, found)
        }
      }
    },
  }
}

/** An Error: what is stored cannot be read. */
async function readAgain(metadata: MetadataStore, id: string): Promise<BucketConfiguration | Error | undefined> {
  const bounds = { ...rowsUnder(configurationPrefix(id)), limit: PAGE }
  const rows = await rangeWithDamaged(metadata, SPACE.configuration, bounds)
  try {
    return rows.length > 0 ? readConfiguration(rows.map(intact)) : undefined
  } catch (error) {
    if (!hasCode<MetadataStoreErrorCode>(error, 'MetadataCorrupt')) throw error
    return error
  }
}

type Row = Entry | DamagedRow

const intact = (row: Row): Entry => {
  if ('damage' in row) throw unreadable(row.damage)
  return row
}

const unreadable = (cause: unknown): CodedError<MetadataStoreErrorCode> =>
  new CodedError('MetadataCorrupt', 'the configuration of the bucket cannot be read: restore it from a backup', {
    cause,
  })

async function allRows(metadata: MetadataStore): Promise<Map<string, Row[]>> {
  const found = new Map<string, Row[]>()
  const { lt } = rowsUnder(Buffer.from([0xff]))
  let gte = Buffer.alloc(0)
  for (;;) {
    const rows: Row[] = await rangeWithDamaged(metadata, SPACE.configuration, { gte, lt, limit: PAGE })
    for (const row of rows) {
      const id = bucketOfConfigurationRow(row.key)
      const others = found.get(id)
      if (others) others.push(row)
      else found.set(id, [row])
    }
    const last = rows.at(-1)
    if (rows.length < PAGE || !last) return found
    gte = Buffer.concat([last.key, Buffer.from([0])])
  }
}
