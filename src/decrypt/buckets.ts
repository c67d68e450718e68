import { listOf, uuidBytes } from './bytes.ts'
import { DecryptError, damaged } from './errors.ts'
import { isList, type Members, members, numberIn, optionalNumber, optionalText, textIn } from './json.ts'
import { type BucketKey, type RootKeys, unwrapUnderBucketKey, type WrappedKey } from './root-keys.ts'
import type { Rows } from './rows.ts'
import { type RecordCipher, readRecord, recordCipher } from './sealed-record.ts'

// docs/record-format.md, sections 3, 4 and 9.

const BUCKET = 1

/** A key that was wrapped in a key slot. */
export interface SlotWrapped {
  readonly slot: number
  readonly keyVersion: string
  readonly context: readonly string[]
  readonly ciphertext: Buffer
}

export interface Bucket {
  readonly name: string
  readonly id: string
  readonly idBytes: Buffer
  /** Throws KeyMissing, Forged, Damaged. */
  readonly unwrap: (wrapped: SlotWrapped, what: string) => Buffer
  /** What the root key itself wrapped, on the way to that key: what its key service would be asked for. */
  readonly underRootKey: (wrapped: SlotWrapped) => WrappedKey
  /** Opens what is sealed under the bucket metadata key: summaries, tags, outer keys. Throws KeyMissing, Forged. */
  readonly index: () => RecordCipher
  readonly metadataKey: SlotWrapped
}

export function* readBuckets(rows: Rows, keys: RootKeys): Generator<Bucket> {
  for (const { key, open } of rows.startingWith(BUCKET, Buffer.alloc(0)))
    yield readBucket(key.toString('utf8'), open(), rows, keys)
}

/** Throws NotFound. */
export function findBucket(rows: Rows, keys: RootKeys, name: string): Bucket {
  const stored = rows.get(BUCKET, Buffer.from(name))
  if (!stored) throw new DecryptError('NotFound', `there is no bucket ${name}`)
  return readBucket(name, stored, rows, keys)
}

interface Slot {
  readonly id: number
  readonly rootKeyCrn: string
  readonly bucketKey: { readonly keyId: string; readonly keyVersion: string; readonly wrapped: Buffer } | undefined
}

/** Throws Damaged. */
export function readBucket(name: string, stored: Buffer, rows: Rows, keys: RootKeys): Bucket {
  const what = `the row of bucket ${name}`
  const { head: all, sections } = readRecord(stored, 'bucket', what)
  const id = textIn(all, 'id', what)
  const idBytes = uuidBytes(id)
  const [wrappedMetadataKey, ...bucketKeys] = sections
  if (!idBytes || !wrappedMetadataKey) throw damaged(`${what} has no id, or no metadata key`)
  const slots = new Map(readSlots(all, bucketKeys, what).map((slot) => [slot.id, slot]))
  const slotOf = (number: number): Slot => {
    const slot = slots.get(number)
    if (!slot) throw damaged(`${what} has no key slot ${number}`)
    return slot
  }
  const underRootKey = (wrapped: SlotWrapped): WrappedKey => {
    const { rootKeyCrn, bucketKey } = slotOf(wrapped.slot)
    if (!bucketKey) return { ...wrapped, rootKeyCrn }
    const { keyId, keyVersion, wrapped: ciphertext } = bucketKey
    return { rootKeyCrn, keyVersion, ciphertext, context: ['oef1', 'bkk', id, keyId] }
  }
  const opened = new Map<number, BucketKey>()
  const unwrap = (wrapped: SlotWrapped, whose: string): Buffer => {
    const { bucketKey } = slotOf(wrapped.slot)
    if (!bucketKey) return keys.unwrap(underRootKey(wrapped), whose)
    const key = opened.get(wrapped.slot) ?? {
      id: bucketKey.keyId,
      key: keys.unwrap(underRootKey(wrapped), `the bucket key of ${whose}`),
    }
    opened.set(wrapped.slot, key)
    return unwrapUnderBucketKey(key, wrapped.ciphertext, wrapped.context)
  }
  const metadataKey: SlotWrapped = {
    slot: optionalNumber(all, 'metadataKeySlot') ?? 0,
    keyVersion: textIn(all, 'keyVersion', what),
    context: ['oef1', 'bmk', id],
    ciphertext: wrappedMetadataKey,
  }
  let index: RecordCipher | undefined
  return {
    ...{ name, id, idBytes, unwrap, underRootKey, metadataKey },
    index: () => {
      index ??= recordCipher(unwrap(metadataKey, `the metadata key of ${name}`), 'OEF1/idx', rows.salts)
      return index
    },
  }
}

function readSlots(all: Members, bucketKeys: readonly Buffer[], what: string): Slot[] {
  const listed = all['slots']
  if (!isList(listed)) return [{ id: 0, rootKeyCrn: textIn(all, 'rootKeyCrn', what), bucketKey: undefined }]
  const wrapped = bucketKeys.values()
  return listed.map((one) => {
    const slot = members(one, `a key slot of ${what}`)
    const base = { id: numberIn(slot, 'id', what), rootKeyCrn: textIn(slot, 'rootKeyCrn', what) }
    const kind = textIn(slot, 'kind', what)
    if (kind === 'root') return { ...base, bucketKey: undefined }
    if (kind !== 'bucket-key') throw damaged(`${what} has a key slot of kind ${kind}`)
    const { value } = wrapped.next()
    const keyId = textIn(slot, 'keyId', what)
    if (!value) throw damaged(`${what} has no wrapped bucket key for slot ${base.id}`)
    return { ...base, bucketKey: { keyId, keyVersion: optionalText(slot, 'keyVersion') ?? '', wrapped: value } }
  })
}

/** AAD of what is sealed of an object under the bucket metadata key. */
export const indexAad = (label: 'summary' | 'outer' | 'tags', bucket: Bucket, key: string, blobId: Buffer): Buffer =>
  listOf([`OEF1/${label}`, bucket.id, key, blobId, ...(label === 'summary' ? ['0'] : [])])
