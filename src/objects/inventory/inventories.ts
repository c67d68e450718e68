import { hasCode } from '../../base/errors.ts'
import { uuidFromBytes, uuidToBytes } from '../../base/ids.ts'
import type { Write } from '../../storage/metadata/metadata-store.ts'
import type { BucketKeys } from '../bucket-keys.ts'
import type { Bucket } from '../buckets.ts'
import type { Engine } from '../engine.ts'
import type { ObjectsErrorCode } from '../errors.ts'
import { rowsUnder, SPACE } from '../keyspace.ts'
import { decode, encode, number } from '../record-codec.ts'
import { type InventoryConfiguration, inventoriesFrom } from './configuration.ts'
import { writeReport } from './report.ts'

/** Reports of what buckets hold, once a day or a week. */
export interface Inventories {
  /** Writes those that are due. Resolves when it has. */
  readonly pass: () => Promise<void>
  readonly close: () => Promise<void>
}

const TICK_MS = 60_000
const DAY_MS = 86_400_000
const PAGE = 500

export function openInventories(options: {
  readonly engine: Engine
  readonly keys: BucketKeys
  readonly onError: (error: unknown) => void
}): Inventories {
  const { engine, keys, onError } = options
  const { metadata, buckets, documents, clock } = engine
  let closed = false

  const inform = async (source: Bucket, configuration: InventoryConfiguration): Promise<void> => {
    const row = rowOf(source.id, configuration.id)
    const last = await metadata.get(SPACE.inventory, row)
    const now = clock.now()
    if (last && !isDue(configuration, number(decode(last.value).json, 'startedAtMs'), now)) return
    const target = buckets.find(configuration.targetBucket)
    // S3: what has nowhere to go is not made.
    if (!target || target.serviceInstanceCrn !== source.serviceInstanceCrn) return
    await writeReport(engine, keys, source, target, configuration)
    await metadata.commit([{ type: 'put', space: SPACE.inventory, key: row, value: encode({ startedAtMs: now }) }])
  }

  const passOnce = async (): Promise<void> => {
    const known = new Set<string>()
    const unknown = new Set<string>()
    for (const source of buckets.all()) {
      try {
        for (const configuration of inventoriesFrom(documents.get(source, 'inventory'))) {
          if (closed) return
          known.add(nameOf(source.id, configuration.id))
          if (configuration.enabled) await inform(source, configuration).catch(told)
        }
      } catch (error) {
        // A damaged document is nothing to the other buckets.
        unknown.add(source.id)
        told(error)
      }
    }
    await forgetOthers(known, unknown)
  }

  const told = (error: unknown): void => {
    if (!hasCode<ObjectsErrorCode>(error, 'NoSuchBucket')) onError(error)
  }

  /** What is known of configurations that there are no more; of `unknown` buckets nobody can tell. */
  const forgetOthers = async (known: ReadonlySet<string>, unknown: ReadonlySet<string>): Promise<void> => {
    const { lt } = rowsUnder(Buffer.from([0xff]))
    const rows = await metadata.range(SPACE.inventory, { gte: Buffer.alloc(0), lt, limit: PAGE })
    const others = rows.filter(({ key }) => {
      const bucketId = uuidFromBytes(key.subarray(0, 16))
      return !unknown.has(bucketId) && !known.has(nameOf(bucketId, key.toString('utf8', 16)))
    })
    if (others.length > 0) {
      await metadata.commit(others.map(({ key }): Write => ({ type: 'delete', space: SPACE.inventory, key })))
    }
  }

  let running: Promise<void> = Promise.resolve()
  let waiting = false
  const pass = (): Promise<void> => {
    waiting = true
    running = running
      .then(() => {
        waiting = false
        return passOnce()
      })
      .catch(onError)
    return running
  }
  const timer = setInterval(() => {
    if (!waiting) void pass()
  }, TICK_MS)
  timer.unref()

  return {
    pass,
    close: async () => {
      closed = true
      clearInterval(timer)
      await running
    },
  }
}

/** The first comes at once, each further one on the first midnight that is its day. */
function isDue({ frequency }: InventoryConfiguration, lastMs: number, nowMs: number): boolean {
  const days = frequency === 'Daily' ? 1 : 7
  // A report of a time that is yet to come was made under a clock that stood wrong.
  return lastMs > nowMs || nowMs >= (Math.floor(lastMs / DAY_MS) + days) * DAY_MS
}

const rowOf = (bucketId: string, id: string): Buffer => Buffer.concat([uuidToBytes(bucketId), Buffer.from(id, 'utf8')])
const nameOf = (bucketId: string, id: string): string => `${bucketId} ${id}`
