import type { Serial } from '../base/serial.ts'
import type { Bucket } from './buckets.ts'
import { currentBucket } from './commit-version.ts'
import { registeredAt } from './deregistrations.ts'
import type { Engine } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { destinationOf, isOpen, type KeySlot } from './key-slots.ts'
import { keyedRecord } from './keyed-record.ts'
import { headKey, rowsUnder, SPACE } from './keyspace.ts'
import { readCounter, usagePrefix } from './usage.ts'

const PAGE = 500

/**
 * Drops the slots of a bucket that take nothing new any more, once nothing refers to them, and ends the registrations at root keys
 * that the bucket does not use any more. Nothing can come to refer to such a slot, so both the index and a look at every
 * record must say that nothing does: without its slot a record could never be opened again. False when it was given up.
 */
export async function dropSlots(
  engine: Engine,
  byName: Serial,
  bucket: Bucket,
  goesOn: () => boolean,
): Promise<boolean> {
  // First: the bucket may have got another slot since it was rewrapped. What is counted no more is never counted again.
  const now = currentBucket(engine, bucket)
  const used = await inUse(engine, now)
  const doomed = new Set(now.slots.filter((slot) => !(isOpen(slot) || used.has(slot.id))).map(({ id }) => id))
  if (doomed.size === 0) return true
  for (const space of [SPACE.upload, SPACE.head, SPACE.version]) {
    if (!(await nothingIn(engine, bucket, space, doomed, goesOn))) return false
  }
  await byName.run(bucket.name, () => drop(engine, bucket, doomed))
  return true
}

async function drop(engine: Engine, bucket: Bucket, doomed: ReadonlySet<KeySlot['id']>): Promise<void> {
  const now = currentBucket(engine, bucket)
  const used = await inUse(engine, now)
  const isBack = now.slots.some((slot) => doomed.has(slot.id) && (isOpen(slot) || used.has(slot.id)))
  if (isBack) throw new ObjectsError('BucketBusy', 'something still refers to a key slot')
  const slots = now.slots.filter(({ id }) => !doomed.has(id)).map((slot) => succeededBy(slot, now, doomed))
  const next = { ...now, slots }
  const kept = new Set(registeredAt(next).map(({ rootKeyCrn }) => rootKeyCrn))
  const ended = registeredAt(now).filter(({ rootKeyCrn }) => !kept.has(rootKeyCrn))
  await engine.buckets.replace(now, next, ended.map(engine.deregistrations.entry))
  for (const of of ended) {
    await engine.deregistrations.settle(of)
    void engine.deregistrations.retry(of.rootKeyCrn)
  }
}

/** Slots that the index, or the bucket itself, refers to. */
async function inUse({ metadata }: Engine, { id, metadataKey, slot }: Bucket): Promise<ReadonlySet<KeySlot['id']>> {
  const counted = (await metadata.counters(usagePrefix(id))).map(readCounter)
  return new Set([...counted.map((count) => count.slot), metadataKey.slot, slot])
}

/** A slot whose successor goes has the one that that one leads to. */
function succeededBy(slot: KeySlot, bucket: Bucket, doomed: ReadonlySet<KeySlot['id']>): KeySlot {
  if (slot.successor === undefined || !doomed.has(slot.successor)) return slot
  return { ...slot, successor: destinationOf(bucket, slot).id }
}

/** False when it was given up. Throws ObjectDamaged when a record refers to one of the slots: the index is wrong. */
async function nothingIn(
  engine: Engine,
  bucket: Bucket,
  space: number,
  slots: ReadonlySet<KeySlot['id']>,
  goesOn: () => boolean,
): Promise<boolean> {
  const { gte: first, lt } = rowsUnder(headKey(bucket.id, ''))
  let gte = first
  for (;;) {
    if (!goesOn()) return false
    const rows = await engine.metadata.range(space, { gte, lt, limit: PAGE })
    for (const { value } of rows) {
      const slot = keyedRecord(space, value)?.wrappedDek.slot
      if (slot !== undefined && slots.has(slot))
        throw new ObjectsError('ObjectDamaged', 'a record refers to a slot that the index says is unused')
    }
    const last = rows.at(-1)
    if (rows.length < PAGE || !last) return true
    gte = Buffer.concat([last.key, Buffer.from([0])])
  }
}
