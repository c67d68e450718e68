import { uuidFromBytes } from '../../base/ids.ts'
import { type DamagedRow, damagedRow, rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore, Space, Write } from '../../storage/metadata/metadata-store.ts'
import { encodeOwner } from '../engine.ts'
import { decodeOrders, encodeOrders } from '../key-versions.ts'
import { blobKey, headKey, rowsUnder, SPACE, splitVersionKey } from '../keyspace.ts'
import { decodePart, isMarker } from '../records.ts'
import { recount } from '../recount.ts'
import { NULL_VERSION } from '../version-id.ts'
import { legible, versionIn } from './legible.ts'

export interface Repaired {
  owners: number
  histories: number
  counters: number
}

const PAGE = 200

/**
 * Writes anew what follows from other rows: owners of blobs, histories of keys, counters. Nobody else may have the store open. Owners of
 * bytes that no row names stay: they tell what is lost, and keep the bytes for a record that comes back from a backup.
 */
export async function repairRows(metadata: MetadataStore): Promise<Repaired> {
  const repaired: Repaired = { owners: 0, histories: 0, counters: 0 }
  for (const space of [SPACE.head, SPACE.version, SPACE.part]) {
    for await (const rows of pagesOf(metadata, space)) {
      const writes: Write[] = []
      for (const row of rows) writes.push(...(await ownersOf(metadata, space, row)))
      repaired.owners += writes.length
      await commit(metadata, writes)
    }
  }
  repaired.histories = await repairHistories(metadata)
  repaired.counters = (await recount(metadata, { repair: true })).differences.length
  return repaired
}

async function ownersOf(metadata: MetadataStore, space: Space, row: Entry | DamagedRow): Promise<Write[]> {
  const blobs = blobsOf(space, row)
  // A version may lie elsewhere later: its blobs are its key's.
  const key = space === SPACE.version ? historyRow(row.key) : row.key
  const value = encodeOwner({ space: space === SPACE.part ? SPACE.part : SPACE.head, key })
  const writes: Write[] = []
  for (const blob of blobs) {
    const write: Write = { type: 'put', space: SPACE.blob, key: blobKey(blob), value }
    if (!(await readable(metadata, SPACE.blob, write.key))) writes.push(write)
  }
  return writes
}

function blobsOf(space: Space, row: Entry | DamagedRow): string[] {
  if ('damage' in row) return []
  if (space === SPACE.part) {
    const part = legible(() => decodePart(row.value))
    return part ? [part.blob] : []
  }
  const record = versionIn(row)
  if (!record || isMarker(record)) return []
  const { data, manifest } = record
  return [...('blob' in data ? [data.blob] : []), ...('blob' in manifest ? [manifest.blob] : [])]
}

async function readable(metadata: MetadataStore, space: Space, key: Buffer): Promise<Entry | undefined> {
  try {
    return await metadata.get(space, key)
  } catch (error) {
    if (damagedRow(error)) return undefined
    throw error
  }
}

interface KeyOfVersions {
  readonly row: Buffer
  readonly newest: bigint
  nullOrder: bigint | undefined
}

const historyRow = (version: Buffer): Buffer =>
  headKey(uuidFromBytes(version.subarray(0, 16)), splitVersionKey(version).key)

async function repairHistories(metadata: MetadataStore): Promise<number> {
  let repaired = 0
  let current: KeyOfVersions | undefined
  const end = async (): Promise<void> => {
    if (!current) return
    const stored = await readable(metadata, SPACE.history, current.row)
    const orders = stored && stored.value.length >= 8 ? decodeOrders(stored.value) : undefined
    if (orders?.newest === current.newest && orders.nullOrder === current.nullOrder) return
    repaired++
    await commit(metadata, [{ type: 'put', space: SPACE.history, key: current.row, value: encodeOrders(current) }])
  }
  for await (const rows of pagesOf(metadata, SPACE.version)) {
    for (const row of rows) {
      const key = historyRow(row.key)
      const { order } = splitVersionKey(row.key)
      if (!current?.row.equals(key)) {
        await end()
        // The newest comes first.
        current = { row: key, newest: order, nullOrder: undefined }
      }
      if (versionIn(row)?.versionId === NULL_VERSION) current.nullOrder = order
    }
  }
  await end()
  for await (const rows of pagesOf(metadata, SPACE.history)) {
    for (const { key } of rows) {
      const gte = Buffer.concat([key, Buffer.of(0)])
      const [version] = await rangeWithDamaged(metadata, SPACE.version, {
        ...{ gte, lt: Buffer.concat([key, Buffer.of(1)]), limit: 1 },
      })
      if (version) continue
      repaired++
      await commit(metadata, [{ type: 'delete', space: SPACE.history, key }])
    }
  }
  return repaired
}

const commit = async (metadata: MetadataStore, writes: readonly Write[]): Promise<void> => {
  if (writes.length > 0) await metadata.commit(writes)
}

async function* pagesOf(metadata: MetadataStore, space: Space): AsyncGenerator<readonly (Entry | DamagedRow)[]> {
  const { lt } = rowsUnder(Buffer.of(0xff))
  for (let gte: Buffer = Buffer.alloc(0); ; ) {
    const rows = await rangeWithDamaged(metadata, space, { gte, lt, limit: PAGE })
    if (rows.length > 0) yield rows
    const last = rows.at(-1)
    if (rows.length < PAGE || !last) return
    gte = Buffer.concat([last.key, Buffer.of(0)])
  }
}
