import { uuidFromBytes, uuidToBytes } from '../base/ids.ts'
import type { Counter, Write } from '../storage/metadata/metadata-store.ts'
import { SPACE } from './keyspace.ts'
import type { ObjectRecord, UploadRecord } from './records.ts'
import { addWrites } from './version-counts.ts'

/** What is counted of a bucket, under each slot and key version. Numbers are stored. */
export const COUNTED = { objects: 1, bytes: 2, uploads: 3 } as const
export type Counted = keyof typeof COUNTED
const KINDS: readonly Counted[] = ['objects', 'bytes', 'uploads']

/** Objects, bytes of their plaintext, and uploads that are neither completed nor aborted. */
export type Totals = Readonly<Record<Counted, number>>

export interface UsageCount {
  readonly bucketId: string
  readonly slot: number
  /** As in the records: '' under a bucket key. */
  readonly keyVersion: string
  readonly counted: Counted
  readonly value: number
}

/** A record that refers to a key: an object's or an upload's. */
export type KeyedRecord = ObjectRecord | UploadRecord

const PREFIX = Buffer.from([SPACE.usage])
const SLOT_AT = 17
const KIND_AT = 21
const VERSION_AT = 22

export const usagePrefix = (bucketId?: string): Buffer =>
  bucketId === undefined ? PREFIX : Buffer.concat([PREFIX, uuidToBytes(bucketId)])

/** `u8(10) ‖ bucket id ‖ u32(slot) ‖ u8(kind) ‖ key version` */
function counterName(bucketId: string, slot: number, counted: Counted, keyVersion: string): Buffer {
  const name = Buffer.allocUnsafe(VERSION_AT + Buffer.byteLength(keyVersion, 'utf8'))
  name[0] = SPACE.usage
  name.set(uuidToBytes(bucketId), 1)
  name.writeUInt32BE(slot, SLOT_AT)
  name[KIND_AT] = COUNTED[counted]
  name.write(keyVersion, VERSION_AT, 'utf8')
  return name
}

export function readCounter({ key, value }: Counter): UsageCount {
  return {
    bucketId: uuidFromBytes(key.subarray(1, SLOT_AT)),
    slot: key.readUInt32BE(SLOT_AT),
    counted: KINDS.find((kind) => COUNTED[kind] === key[KIND_AT]) ?? 'objects',
    keyVersion: key.toString('utf8', VERSION_AT),
    value,
  }
}

/** Sums what records add to the counters, and what those that are gone take away. */
export interface UsageTally {
  readonly add: (bucketId: string, record: KeyedRecord, sign: 1 | -1) => void
  /** What is not zero. */
  readonly counters: () => Counter[]
}

export function usageTally(): UsageTally {
  const sums = new Map<string, { readonly key: Buffer; value: number }>()
  const count = (key: Buffer, delta: number): void => {
    const name = key.toString('latin1')
    const sum = sums.get(name) ?? { key, value: 0 }
    sum.value += delta
    sums.set(name, sum)
  }
  return {
    add: (bucketId, record, sign) => {
      const { slot, keyVersion } = record.wrappedDek
      const move = (counted: Counted, by: number) => count(counterName(bucketId, slot, counted, keyVersion), sign * by)
      if (!('sizeBytes' in record)) return move('uploads', 1)
      move('objects', 1)
      move('bytes', record.sizeBytes)
    },
    counters: () => [...sums.values()].filter(({ value }) => value !== 0),
  }
}

/**
 * Belongs into every commit that makes, replaces or removes a record of an object or an upload, with exactly the records
 * that the commit's conditions hold to: so the counters are what a look at all records would give, at any moment.
 */
export function usageWrites(
  bucketId: string,
  change: { readonly removed?: readonly KeyedRecord[]; readonly added?: readonly KeyedRecord[] },
): Write[] {
  const tally = usageTally()
  for (const record of change.removed ?? []) tally.add(bucketId, record, -1)
  for (const record of change.added ?? []) tally.add(bucketId, record, 1)
  return addWrites(tally.counters())
}

export function sumOf(counts: readonly UsageCount[]): Totals {
  const sums = { objects: 0, bytes: 0, uploads: 0 }
  for (const { counted, value } of counts) sums[counted] += value
  return sums
}
