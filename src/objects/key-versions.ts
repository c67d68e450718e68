import { rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore, Token, Write } from '../storage/metadata/metadata-store.ts'
import type { Bucket } from './buckets.ts'
import { headKey, SPACE, splitVersionKey, versionKey } from './keyspace.ts'
import {
  type DeleteMarker,
  decodeObject,
  decodeVersion,
  encodeMarker,
  isMarker,
  type ObjectRecord,
  type VersionRecord,
} from './records.ts'
import { addWrites, versionTally } from './version-counts.ts'
import { NULL_VERSION, orderOf } from './version-id.ts'

/**
 * The versions of one key. Head: the current version while it is live. `version`: every other one and every delete marker,
 * the current one too. While the head is absent and history is not, the newest row of `version` is a delete marker.
 *
 * Every commit that changes which versions there are holds to the head and to the history as they were read, be it that
 * they were absent: so any two such commits of one key conflict unless one saw the other. In a bucket that never had
 * versioning there is no history, and the bucket's row, which every such commit holds to as well, says so.
 */
export interface KeyState<Head extends Row = Entry> {
  readonly head: Head | undefined
  readonly history: History | undefined
}

/** A row of which nothing but its place and token may be known, for it is damaged. */
export type Row = Pick<Entry, 'key' | 'token'> & Partial<Pick<Entry, 'value'>>

export interface History {
  readonly token: Token
  /** Order of the newest row. */
  readonly newest: bigint
  /** Order of the row that is the null version or a delete marker in its place. */
  readonly nullOrder: bigint | undefined
}

/** Writes of one commit, and the versions that go with it. */
export interface KeyChange {
  readonly writes: readonly Write[]
  readonly removed: readonly ObjectRecord[]
}

type Place = Pick<Bucket, 'id' | 'versioning'>
type Reader = Pick<MetadataStore, 'get' | 'range'>
type Orders = Pick<History, 'newest' | 'nullOrder'>

export async function readHistory(metadata: Reader, { id }: Place, key: string): Promise<History | undefined> {
  const row = await metadata.get(SPACE.history, headKey(id, key))
  return row && { token: row.token, ...decodeOrders(row.value) }
}

export async function readKey(metadata: Reader, bucket: Place, key: string): Promise<KeyState> {
  const head = await metadata.get(SPACE.head, headKey(bucket.id, key))
  const history = bucket.versioning === undefined ? undefined : await readHistory(metadata, bucket, key)
  return { head, history }
}

/** `u64(newest) ‖ u64(order of the null version)`, or the first alone. */
export function encodeOrders({ newest, nullOrder }: Orders): Buffer {
  const value = Buffer.alloc(nullOrder === undefined ? 8 : 16)
  value.writeBigUInt64BE(newest)
  if (nullOrder !== undefined) value.writeBigUInt64BE(nullOrder, 8)
  return value
}

export const decodeOrders = (value: Buffer): Orders => ({
  newest: value.readBigUInt64BE(),
  nullOrder: value.length === 16 ? value.readBigUInt64BE(8) : undefined,
})

/** The newest that the key has had, as far as its versions tell; 0 when they tell of none. */
export function newestOrder({ head, history }: KeyState): bigint {
  const ofHead = (head && orderOf(decodeObject(head.value).versionId)) ?? 0n
  const newest = history?.newest ?? 0n
  return ofHead > newest ? ofHead : newest
}

/** What the next object under the key, as the bucket is now, would take the place of. */
export async function replacedBytes(metadata: Reader, bucket: Place, key: string, state: KeyState): Promise<number> {
  if (bucket.versioning === 'Enabled') return 0
  const head = state.head && decodeObject(state.head.value)
  if (head && (bucket.versioning === undefined || head.versionId === NULL_VERSION)) return head.sizeBytes
  const order = state.history?.nullOrder
  const row = order === undefined ? undefined : await metadata.get(SPACE.version, versionKey(bucket.id, key, order))
  const record = row && decodeVersion(row.value)
  return record && !isMarker(record) ? record.sizeBytes : 0
}

/** The newest row of `version` that is older than `below`. */
async function nextOlder(metadata: Reader, bucketId: string, key: string, below: bigint): Promise<Row | undefined> {
  const gte = Buffer.concat([versionKey(bucketId, key, below), Buffer.from([0])])
  const lt = behindVersions(bucketId, key)
  const [row] = await rangeWithDamaged(metadata, SPACE.version, { gte, lt, limit: 1 })
  return row
}

/** Above all rows of `version` of the key and below those of the next one. */
export const behindVersions = (bucketId: string, key: string): Buffer =>
  Buffer.concat([headKey(bucketId, key), Buffer.from([1])])

/**
 * A new current version. `order` is that of `versionId`, or in its place for a null version, and is greater than all that
 * the key has. Undefined: the key changed while it was looked at.
 */
export async function putCurrent(
  metadata: Reader,
  bucket: Place,
  key: string,
  state: KeyState,
  version: { readonly versionId: string; readonly order: bigint; readonly value: Buffer },
): Promise<KeyChange | undefined> {
  const row = headKey(bucket.id, key)
  const { head } = state
  const put: Write = { type: 'put', space: SPACE.head, key: row, value: version.value, if: head ? head.token : null }
  if (bucket.versioning === undefined) return { writes: [put], removed: head ? [decodeObject(head.value)] : [] }
  const change = changeOf(metadata, bucket, key, state)
  change.add(put)
  const isNull = version.versionId === NULL_VERSION
  if (head) leaveHead(change, head, isNull, version.order)
  if (isNull && !(await change.removeNull())) return undefined
  return change.end()
}

/** A delete marker as the newest of the key's versions, in place of its null version while versioning is suspended. */
export async function putMarker(
  metadata: Reader,
  bucket: Place,
  key: string,
  state: KeyState,
  marker: DeleteMarker,
  order: bigint,
): Promise<KeyChange | undefined> {
  const { head } = state
  const change = changeOf(metadata, bucket, key, state)
  const row = headKey(bucket.id, key)
  const isNull = marker.versionId === NULL_VERSION
  if (head) {
    change.add({ type: 'delete', space: SPACE.head, key: row, if: head.token })
    leaveHead(change, head, isNull, order)
  } else change.add({ type: 'check', space: SPACE.head, key: row, if: null })
  if (isNull && !(await change.removeNull())) return undefined
  change.insert(order, encodeMarker(marker), marker, isNull)
  return change.end()
}

/**
 * A version older than the newest, in its place among the others; what is current stays. Its order is none that the key has,
 * else the commit fails.
 */
export function putOlder(
  metadata: Reader,
  bucket: Place,
  key: string,
  state: KeyState,
  version: { readonly order: bigint; readonly record: VersionRecord; readonly value: Buffer },
): KeyChange {
  const change = changeOf(metadata, bucket, key, state)
  change.add({
    type: 'check',
    space: SPACE.head,
    key: headKey(bucket.id, key),
    if: state.head ? state.head.token : null,
  })
  change.insertLate(version.order, version.value, version.record)
  return change.end()
}

/** The head makes room for a newer version: a null version for another one ends, all others stay. */
function leaveHead(change: Change, head: Entry, forNull: boolean, order: bigint): void {
  const record = decodeObject(head.value)
  if (record.versionId !== NULL_VERSION) {
    change.insert(orderOf(record.versionId) ?? order - 1n, head.value, record, false)
  } else if (forNull) change.remove(record)
  else change.insert(order - 1n, head.value, record, true)
}

/**
 * Takes one version away; the next newest becomes current where it was the current one. `order`: where it lies in
 * `version`, undefined for the head. `record` undefined: it cannot be read.
 */
export async function removeVersion(
  metadata: Reader,
  bucket: Place,
  key: string,
  state: KeyState<Row>,
  target: { readonly row: Row; readonly order: bigint | undefined; readonly record: VersionRecord | undefined },
): Promise<KeyChange | undefined> {
  const { row, order, record } = target
  const change = changeOf(metadata, bucket, key, state)
  if (record && !isMarker(record)) change.remove(record)
  const headRow = headKey(bucket.id, key)
  if (order === undefined) {
    const heir = await change.takeHeir()
    if (heir === 'changed') return undefined
    change.add(
      heir
        ? { type: 'put', space: SPACE.head, key: headRow, value: heir.value, if: row.token }
        : { type: 'delete', space: SPACE.head, key: headRow, if: row.token },
    )
    return change.end()
  }
  await change.drop(order, row.token, record)
  if (state.head) {
    // Should it go at the same time, what is newest here would have to become the head.
    change.add({ type: 'check', space: SPACE.head, key: headRow, if: state.head.token })
    return change.end()
  }
  // Without a head the newest is a delete marker, and stays what is current unless it is the one that goes.
  const heir = state.history?.newest === order ? await change.takeHeir() : undefined
  if (heir === 'changed') return undefined
  change.add(
    heir
      ? { type: 'put', space: SPACE.head, key: headRow, value: heir.value, if: null }
      : { type: 'check', space: SPACE.head, key: headRow, if: null },
  )
  return change.end()
}

type Change = ReturnType<typeof changeOf>

/** Collects the writes of a commit and keeps the history in step with the rows of `version`. */
function changeOf(metadata: Reader, bucket: Place, key: string, state: KeyState<Row>) {
  const writes: Write[] = []
  const removed: ObjectRecord[] = []
  const tally = versionTally()
  let orders: Orders | undefined = state.history
  /** A row that the history will name, or that becomes the head: it must still be there. */
  let heldTo: Row | undefined

  /** `record` undefined: it cannot be read, and everything is counted anew. */
  const drop = async (order: bigint, token: Token, record: VersionRecord | undefined): Promise<void> => {
    if (record) tally.add(bucket.id, record, -1)
    writes.push({ type: 'delete', space: SPACE.version, key: versionKey(bucket.id, key, order), if: token })
    heldTo = undefined
    if (!orders) return
    const nullOrder = orders.nullOrder === order ? undefined : orders.nullOrder
    if (orders.newest !== order) {
      orders = { ...orders, nullOrder }
      return
    }
    heldTo = await nextOlder(metadata, bucket.id, key, order)
    orders = heldTo && { newest: splitVersionKey(heldTo.key).order, nullOrder }
  }

  const put = (order: bigint, value: Buffer, record: VersionRecord): void => {
    tally.add(bucket.id, record, 1)
    writes.push({ type: 'put', space: SPACE.version, key: versionKey(bucket.id, key, order), value, if: null })
  }

  return {
    add: (write: Write) => void writes.push(write),
    remove: (record: ObjectRecord) => void removed.push(record),
    drop,
    /** A row above all others. */
    insert: (order: bigint, value: Buffer, record: VersionRecord, isNull: boolean): void => {
      put(order, value, record)
      heldTo = undefined
      orders = { newest: order, nullOrder: isNull ? order : orders?.nullOrder }
    },
    /** A row that may belong below others. */
    insertLate: (order: bigint, value: Buffer, record: VersionRecord): void => {
      put(order, value, record)
      if (!orders || orders.newest < order) orders = { newest: order, nullOrder: orders?.nullOrder }
    },
    /** The null version, or the marker in its place, that lies in `version`. False: the key changed meanwhile. */
    removeNull: async (): Promise<boolean> => {
      const order = state.history?.nullOrder
      if (order === undefined) return true
      const row = await metadata.get(SPACE.version, versionKey(bucket.id, key, order))
      if (!row) return false
      const record = decodeVersion(row.value)
      if (!isMarker(record)) removed.push(record)
      await drop(order, row.token, record)
      return true
    },
    /** Takes the newest row out of `version`, unless it is a delete marker, to become the head. */
    takeHeir: async (): Promise<Entry | undefined | 'changed'> => {
      if (!orders) return undefined
      const found = heldTo?.value ? { ...heldTo, value: heldTo.value } : undefined
      const row = found ?? (await metadata.get(SPACE.version, versionKey(bucket.id, key, orders.newest)))
      if (!row) return 'changed'
      const record = decodeVersion(row.value)
      if (isMarker(record)) return undefined
      await drop(orders.newest, row.token, record)
      return row
    },
    end: (): KeyChange => {
      const space = SPACE.history
      const row = headKey(bucket.id, key)
      const { history } = state
      const condition = history ? history.token : null
      const same = history?.newest === orders?.newest && history?.nullOrder === orders?.nullOrder
      if (same) writes.push({ type: 'check', space, key: row, if: condition })
      else if (orders) writes.push({ type: 'put', space, key: row, value: encodeOrders(orders), if: condition })
      else if (history) writes.push({ type: 'delete', space, key: row, if: history.token })
      if (heldTo) writes.push({ type: 'check', space: SPACE.version, key: heldTo.key, if: heldTo.token })
      writes.push(...addWrites(tally.counters()))
      return { writes, removed }
    },
  }
}
