import { hasCode } from '../base/errors.ts'
import type { KeyProviderErrorCode } from '../envelope/key-provider.ts'
import { type DamagedRow, rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { Entry, Space } from '../storage/metadata/metadata-store.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { currentBucket, sameBucket } from './commit-version.ts'
import type { Engine } from './engine.ts'
import { ObjectsError, type ObjectsErrorCode } from './errors.ts'
import { isOfOneKey, type KeyRefusals, unlessRefused } from './key-refusals.ts'
import { destinationOf, findSlot, isOpen, type KeySlot, slotOf } from './key-slots.ts'
import { identityOf, keyedRecord } from './keyed-record.ts'
import { headKey, rowsUnder, SPACE } from './keyspace.ts'
import { hasOldCanary, isOutdatedSlot, type NewestVersions, newestVersions, rewrapTarget } from './outdated.ts'
import { encodeObject, encodeUpload } from './records.ts'
import { isReencryptable, type StoredVersion } from './reencrypt-version.ts'
import type { RewrapCursor } from './rewrap-jobs.ts'
import { findOpen, slotInPlace, withSlot } from './slot-choice.ts'
import { type KeyedRecord, readCounter, type UsageCount, usagePrefix, usageWrites } from './usage.ts'

const PAGE = 200
/** Records at a time: enough to share a sync of the store. */
const AT_A_TIME = 16
/** Of contents at a time: each takes memory and the disk. */
const CONTENTS_AT_A_TIME = 4
/** Contents take long: the end of a page is to be near. */
const PAGE_OF_CONTENTS = 16
const MAX_ATTEMPTS = 20
/** One is enough, unless a root key is rotated meanwhile. */
const MAX_PASSES = 20

/**
 * Uploads first: what an upload becomes while they are looked through is looked at with the objects. Heads then: what one
 * becomes is looked at with the versions; a version that becomes the head meanwhile is left to another pass.
 */
const SPACES: readonly Space[] = [SPACE.upload, SPACE.head, SPACE.version]

export interface RewrapControl {
  readonly cursor: RewrapCursor | undefined
  /** Everything is to be under these versions. */
  readonly meets: (newest: NewestVersions) => void
  /** Before each page. False: to be given up for now. */
  readonly goesOn: () => boolean
  /** Resolves when one more record may be rewrapped. */
  readonly pace: () => Promise<void>
  /** Seals a version anew under a new DEK, in place of rewrapping its DEK. False: it is as it was. */
  readonly reencrypt?: ((version: StoredVersion) => Promise<boolean>) | undefined
  /** After each page: all before the cursor has been looked at. */
  readonly progress: (
    done: { readonly examined: number; readonly rewrapped: number },
    at: RewrapCursor,
  ) => Promise<void>
}

/** How it ended: everything lies where it belongs, or keys that refused keep something from it. */
export interface RewrapEnd {
  readonly complete: boolean
  /** Keys that something lies under and that refused. What they say of themselves nobody knows. */
  readonly refusals: KeyRefusals
}

/** One look at all of a bucket. */
interface Pass {
  readonly newest: NewestVersions
  readonly refusals: KeyRefusals
  /** What does not open is passed over; the pass ends with that error when nothing else is left. */
  readonly passedOver: (error: unknown) => void
}

/**
 * Puts everything of a bucket under the slots and versions where it belongs, and goes past what lies under keys that
 * refuse. Nothing new comes under the old ones meanwhile, for whoever writes is fenced by the bucket's row, which changes
 * first, and wraps anew when it did. Complete when the index says that nothing is left; undefined when it was given up.
 * Repeating it does no harm.
 */
export async function rewrapBucket(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  control: RewrapControl,
): Promise<RewrapEnd | undefined> {
  let cursor = control.cursor
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const { newest, refusals } = await renewOwnKeys(engine, keys, bucket, control.meets)
    const before = await whatIsLeft(engine, bucket, newest, refusals)
    if (before.length > 0 && before.every(({ refused }) => refused)) return { complete: false, refusals }
    let damage: unknown
    const passedOver = (error: unknown) => {
      damage = error
    }
    if (!(await scan(engine, keys, bucket, { newest, refusals, passedOver }, control, cursor))) return undefined
    cursor = undefined
    // A rotation meanwhile makes the next pass.
    const again = await newestVersions(keys, sameBucket(engine, bucket), refusals)
    const left = await whatIsLeft(engine, bucket, again, refusals)
    if (left.length === 0) return { complete: true, refusals }
    if (left.every(({ refused }) => refused)) return { complete: false, refusals }
    if (damage !== undefined) throw damage
  }
  throw new ObjectsError('ObjectDamaged', 'after many passes the index still says that something is left to rewrap')
}

/**
 * What the index says is left to do, and perhaps left: a key that refuses does not say whether it was rotated. One that is
 * deleted was the last of its versions: what lies there, and is to go nowhere else, waits for nothing.
 */
async function whatIsLeft(
  engine: Engine,
  bucket: Bucket,
  newest: NewestVersions,
  refusals: KeyRefusals,
): Promise<{ readonly refused: boolean }[]> {
  const now = sameBucket(engine, bucket)
  const counts = (await engine.metadata.counters(usagePrefix(bucket.id))).map(readCounter)
  return [...counts, now.metadataKey].flatMap((at) => {
    const slot = findSlot(now, at.slot)
    // Nothing must be counted to a slot that nobody knows.
    if (!slot) return [{ refused: false }]
    const refusal = refusals.get(slot.rootKeyCrn)
    const to = rewrapTarget(now, newest, at)
    if (to) return [{ refused: refusal !== undefined || refusals.has(to.rootKeyCrn) }]
    const gone = at !== now.metadataKey && hasCode<KeyProviderErrorCode>(refusal, 'RootKeyNotFound')
    return refusal === undefined || gone ? [] : [{ refused: true }]
  })
}

/**
 * The bucket's own keys: new bucket keys where a root key was rotated or wraps too much, and the bucket metadata key. Keys
 * that refuse keep those under others from nothing.
 */
export async function renewOwnKeys(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  meets: RewrapControl['meets'],
): Promise<{ readonly newest: NewestVersions; readonly refusals: KeyRefusals }> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const refusals: KeyRefusals = new Map()
    const now = currentBucket(engine, bucket)
    let next = await withoutUnused(engine, now)
    const newest = await newestVersions(keys, next, refusals)
    meets(newest)
    for (const slot of next.slots.filter(isOpen)) {
      next = (await unlessRefused(refusals, slot.rootKeyCrn, () => renewSlot(engine, keys, next, newest, slot))) ?? next
    }
    next = await withMetadataKey(keys, next, newest, refusals)
    if (next === now) return { newest, refusals }
    try {
      await engine.buckets.replace(now, next)
    } catch (error) {
      if (!hasCode<ObjectsErrorCode>(error, 'BucketBusy')) throw error
    }
  }
  throw new ObjectsError('BucketBusy', 'the bucket changed at the same time')
}

async function renewSlot(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  newest: NewestVersions,
  slot: KeySlot,
): Promise<Bucket> {
  if (hasOldCanary(newest, slot)) await keys.prove(bucket, slot)
  if (isOutdatedSlot(newest, slot)) return succeeded(bucket, slot.id, await slotInPlace(engine, keys, bucket, slot))
  return (await wrapsTooMuch(engine, bucket, newest, slot)) ? underBucketKey(engine, keys, bucket, slot) : bucket
}

async function withMetadataKey(
  keys: BucketKeys,
  bucket: Bucket,
  newest: NewestVersions,
  refusals: KeyRefusals,
): Promise<Bucket> {
  const to = rewrapTarget(bucket, newest, bucket.metadataKey)
  if (!to || refusals.has(to.rootKeyCrn)) return bucket
  const { rootKeyCrn } = slotOf(bucket, bucket.metadataKey.slot)
  const metadataKey = await unlessRefused(refusals, rootKeyCrn, () => keys.rewrapMetadataKey(bucket, to))
  return metadataKey ? { ...bucket, metadataKey } : bucket
}

/**
 * Slots that nothing refers to, and nothing is on its way to, take nothing new any more, and can be dropped. What came to
 * one at the same time opens it again, for it belongs nowhere else.
 */
async function withoutUnused(engine: Engine, bucket: Bucket): Promise<Bucket> {
  const counted = (await engine.metadata.counters(usagePrefix(bucket.id))).map((row) => readCounter(row).slot)
  const used = new Set([...counted, bucket.slot, bucket.metadataKey.slot])
  const needed = new Set(
    bucket.slots.filter(({ id }) => used.has(id)).flatMap((slot) => [slot.id, destinationOf(bucket, slot).id]),
  )
  const slots = bucket.slots.map((slot): KeySlot => {
    if (isOpen(slot) && !needed.has(slot.id)) return { ...slot, retired: true }
    if (!(slot.retired && needed.has(slot.id))) return slot
    const { retired: _, ...open } = slot
    return open
  })
  return slots.every((slot, at) => slot === bucket.slots[at]) ? bucket : { ...bucket, slots }
}

/**
 * Is the root key near the number of data keys that it may safely wrap, or would it be when everything of the bucket was
 * rewrapped under it? What is left is for what is new, and a bucket key takes the place of the root key.
 */
async function wrapsTooMuch(engine: Engine, bucket: Bucket, newest: NewestVersions, slot: KeySlot): Promise<boolean> {
  const keyVersion = newest.get(slot.rootKeyCrn)
  if (slot.kind !== 'root' || keyVersion === undefined || !engine.provider.wrapsLeft) return false
  const counts = (await engine.metadata.counters(usagePrefix(bucket.id))).map(readCounter)
  const due = counts.filter((count) => count.counted !== 'bytes' && isDueAt(bucket, newest, slot, count))
  const wraps = due.reduce((sum, { value }) => sum + value, 0)
  return (await engine.provider.wrapsLeft(slot.rootKeyCrn, keyVersion)) <= wraps
}

const isDueAt = (bucket: Bucket, newest: NewestVersions, slot: KeySlot, count: UsageCount): boolean =>
  bucket.slots.some(({ id }) => id === count.slot) && rewrapTarget(bucket, newest, count)?.id === slot.id

async function underBucketKey(engine: Engine, keys: BucketKeys, bucket: Bucket, slot: KeySlot): Promise<Bucket> {
  const { rootKeyCrn, encryption, own = false } = slot
  const wanted = { rootKeyCrn, encryption, own, kind: 'bucket-key' } as const
  const by = findOpen(bucket, wanted) ?? (await slotInPlace(engine, keys, bucket, wanted))
  return succeeded(bucket, slot.id, by)
}

/** `by` may be one of the bucket's already. */
function succeeded(bucket: Bucket, id: number, by: KeySlot): Bucket {
  const next = bucket.slots.includes(by) ? bucket : withSlot(bucket, by)
  const slots = next.slots.map((slot) => (slot.id === id ? { ...slot, successor: by.id } : slot))
  return { ...next, slots, slot: next.slot === id ? by.id : next.slot }
}

async function scan(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  pass: Pass,
  control: RewrapControl,
  from: RewrapCursor | undefined,
): Promise<boolean> {
  const under = rowsUnder(headKey(bucket.id, ''))
  const limit = control.reencrypt ? PAGE_OF_CONTENTS : PAGE
  const start = from ? SPACES.indexOf(from.space) : 0
  for (const space of SPACES.slice(Math.max(start, 0))) {
    let gte = from?.space === space ? behind(Buffer.from(from.after, 'hex')) : under.gte
    for (;;) {
      if (!control.goesOn()) return false
      const rows: (Entry | DamagedRow)[] = await rangeWithDamaged(engine.metadata, space, {
        ...{ gte, lt: under.lt, limit },
      })
      const last = rows.at(-1)
      if (!last) break
      const readable = rows.flatMap((row) => ('damage' in row ? [] : [row]))
      for (const row of rows) if ('damage' in row) pass.passedOver(row.damage)
      const rewrapped = await rewrapRows(engine, keys, bucket, pass, control, space, readable)
      if (rewrapped === undefined) return false
      await control.progress({ examined: rows.length, rewrapped }, { space, after: last.key.toString('hex') })
      if (rows.length < limit) break
      gte = behind(last.key)
    }
  }
  return true
}

const behind = (key: Buffer): Buffer => Buffer.concat([key, Buffer.from([0])])

const leavesOff = ({ reencrypt, goesOn }: RewrapControl): boolean => reencrypt !== undefined && !goesOn()

/** Undefined when it was given up before its end. */
async function rewrapRows(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  pass: Pass,
  control: RewrapControl,
  space: Space,
  rows: readonly Entry[],
): Promise<number | undefined> {
  let rewrapped = 0
  const now = sameBucket(engine, bucket)
  const due = rows.filter((row) => {
    const wrappedDek = keyedRecord(space, row.value)?.wrappedDek
    if (!wrappedDek) return false
    return !findSlot(now, wrappedDek.slot) || rewrapTarget(now, pass.newest, wrappedDek)
  })
  const width = control.reencrypt ? CONTENTS_AT_A_TIME : AT_A_TIME
  for (let at = 0; at < due.length && !leavesOff(control); at += width) {
    const work = due.slice(at, at + width).map(async (row) => {
      await control.pace()
      try {
        if (await rewrapRow(engine, keys, bucket, pass, control, space, row)) rewrapped++
      } catch (error) {
        if (!hasCode<KeyProviderErrorCode | ObjectsErrorCode>(error, 'WrappedDekForged', 'ObjectDamaged')) throw error
        pass.passedOver(error)
      }
    })
    // All have ended before one's error ends the pass.
    const failed = (await Promise.allSettled(work)).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }
  return leavesOff(control) ? undefined : rewrapped
}

/** False when there is nothing to do any more: the row is gone, or somebody wrote it anew. A writer at the same time wins. */
async function rewrapRow(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  { newest, refusals }: Pass,
  control: RewrapControl,
  space: Space,
  found: Entry,
): Promise<boolean> {
  let row: Entry | undefined = found
  for (let attempt = 0; row && attempt < MAX_ATTEMPTS && !leavesOff(control); attempt++) {
    const now = sameBucket(engine, bucket)
    const record = keyedRecord(space, row.value)
    const to = record && rewrapTarget(now, newest, record.wrappedDek)
    if (!to) return false
    const crns = [slotOf(now, record.wrappedDek.slot).rootKeyCrn, to.rootKeyCrn]
    if (crns.some((crn) => refusals.has(crn))) return false
    try {
      if (await moveRecord(engine, keys, now, control, space, row, record, to)) return true
    } catch (error) {
      // What wrapped it is gone when somebody else has rewrapped or replaced it.
      const current = await engine.metadata.get(space, row.key)
      const isItself = current?.token === row.token || hasCode(error, 'CommitUnknown')
      if (isItself && isOfOneKey(error)) return refused(keys, now, refusals, crns, error)
      if (isItself) throw error
    }
    await engine.buckets.refresh(bucket.name)
    row = await engine.metadata.get(space, row.key)
  }
  // Whoever goes on writing it does so under what is current.
  return false
}

async function moveRecord(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  { reencrypt }: RewrapControl,
  space: Space,
  row: Entry,
  record: KeyedRecord,
  to: KeySlot,
): Promise<boolean> {
  if (reencrypt && (space === SPACE.head || space === SPACE.version) && isReencryptable(record)) {
    try {
      return await reencrypt({ space, row, record })
    } catch (error) {
      // What is damaged goes along as it is, so that it keeps nothing under the former key: the job counts it, the look for damage names it.
      if (!hasCode<ObjectsErrorCode>(error, 'ObjectDamaged')) throw error
    }
  }
  return rewrapRecord(engine, keys, bucket, space, row, record, to)
}

/** False. Which of the keys it was tells who is asked again: the one that wraps, or else the one that opens. */
async function refused(
  keys: BucketKeys,
  bucket: Bucket,
  refusals: KeyRefusals,
  [from = '', to = '']: readonly string[],
  error: unknown,
): Promise<false> {
  if (hasCode(error, 'WrapBudgetSpent')) refusals.set(to, error)
  await unlessRefused(refusals, to, () => keys.newestVersion(bucket, { rootKeyCrn: to }))
  if (!refusals.has(to)) refusals.set(from, error)
  return false
}

/** Compare-and-set: of the record only what wraps its DEK changes. False when the row or the bucket changed meanwhile. */
export async function rewrapRecord(
  engine: Engine,
  keys: BucketKeys,
  bucket: Bucket,
  space: Space,
  row: Entry,
  record: KeyedRecord,
  to: Parameters<BucketKeys['rewrapDek']>[4],
): Promise<boolean> {
  const { key, blobId } = identityOf(space, row, record)
  const wrappedDek = await keys.rewrapDek(bucket, key, blobId, record.wrappedDek, to)
  const rewrapped = { ...record, wrappedDek }
  const value = 'sizeBytes' in rewrapped ? encodeObject(rewrapped) : encodeUpload(rewrapped)
  return engine.metadata.commit([
    engine.buckets.fence(bucket),
    { type: 'put', space, key: row.key, value, if: row.token },
    ...usageWrites(bucket.id, { removed: [record], added: [rewrapped] }),
  ])
}
