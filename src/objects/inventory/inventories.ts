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
    const days = configuration.frequency === 'Daily' ? 1 : 7
    // The first comes at once, each further one on the first midnight that is its day.
    if (last && now < (Math.floor(number(decode(last.value).json, 'startedAtMs') / DAY_MS) + days) * DAY_MS) return
    const target = buckets.find(configuration.targetBucket)
    // S3: what has nowhere to go is not made.
    if (!target || target.serviceInstanceCrn !== source.serviceInstanceCrn) return
    await writeReport(engine, keys, source, target, configuration)
    await metadata.commit([{ type: 'put', space: SPACE.inventory, key: row, value: encode({ startedAtMs: now }) }])
  }

  const passOnce = async (): Promise<void> => {
    for (const source of buckets.all()) {
      for (const configuration of inventoriesFrom(documents.get(source, 'inventory'))) {
        if (closed) return
        if (!configuration.enabled) continue
        await inform(source, configuration).catch((error: unknown) => {
          if (!hasCode<ObjectsErrorCode>(error, 'NoSuchBucket')) onError(error)
        })
      }
    }
    await forgetOthers()
  }

  /** What is known of configurations that there are no more. */
  const forgetOthers = async (): Promise<void> => {
    const known = new Set(
      buckets
        .all()
        .flatMap(({ id }) => inventoriesFrom(documents.get({ id }, 'inventory')).map((one) => nameOf(id, one.id))),
    )
    const { lt } = rowsUnder(Buffer.from([0xff]))
    const rows = await metadata.range(SPACE.inventory, { gte: Buffer.alloc(0), lt, limit: PAGE })
    const others = rows.filter(
      ({ key }) => !known.has(nameOf(uuidFromBytes(key.subarray(0, 16)), key.toString('utf8', 16))),
    )
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

const rowOf = (bucketId: string, id: string): Buffer => Buffer.concat([uuidToBytes(bucketId), Buffer.from(id, 'utf8')])
const nameOf = (bucketId: string, id: string): string => `${bucketId} ${id}`
