import type { WrappedDek } from '../envelope/key-provider.ts'
import type { Encryption } from './encrypting.ts'
import { isForeign, type KeySlot, type SlotTable } from './key-slots.ts'
import { corrupt, number, objectOf, type Sections, section, text } from './record-codec.ts'

/** A bucket that never had another key than its first root key says nothing of slots. */
export function isFirst({
  slots,
  slot,
  nextSlot,
  rootKeyCrn,
  encryption,
}: SlotTable & Pick<KeySlot, 'rootKeyCrn' | 'encryption'>): boolean {
  const [only, ...more] = slots
  return (
    only?.id === 0 &&
    only.kind === 'root' &&
    only.rootKeyCrn === rootKeyCrn &&
    only.encryption === encryption &&
    !(only.successor !== undefined || only.canary !== undefined || more.length > 0 || slot !== 0 || nextSlot !== 1)
  )
}

export function slotToJson(slot: KeySlot): unknown {
  const { id, kind, rootKeyCrn, encryption, createdAtMs, successor, own, retired, canary } = slot
  return {
    ...{ id, kind, rootKeyCrn, encryption, createdAtMs },
    ...(successor === undefined ? {} : { successor }),
    ...(own ? { own } : {}),
    ...(retired ? { retired } : {}),
    ...(canary === undefined ? {} : { canary: canaryToJson(canary) }),
    ...(slot.kind === 'bucket-key' ? { keyId: slot.keyId, keyVersion: slot.wrapped.keyVersion } : {}),
  }
}

/**
 * Of the record of a bucket under this key, perhaps of an earlier Coffer, which did not say what `own` says: an open slot
 * under another key is one. The wrapped bucket keys are the sections behind the first one, in the order of their slots.
 */
export function slotsFrom(
  list: readonly unknown[],
  sections: Sections,
  bucket: Pick<KeySlot, 'rootKeyCrn' | 'encryption'>,
): KeySlot[] {
  let next = 1
  return list.map((item): KeySlot => {
    const json = objectOf(item)
    const key = { rootKeyCrn: text(json, 'rootKeyCrn'), encryption: encryptionOf(json) }
    const isOwn = json['own'] === true || (json['successor'] === undefined && isForeign(bucket, key))
    const base = {
      id: number(json, 'id'),
      ...key,
      createdAtMs: number(json, 'createdAtMs'),
      ...(json['successor'] === undefined ? {} : { successor: number(json, 'successor') }),
      ...(isOwn ? { own: true as const } : {}),
      ...(json['retired'] === true ? { retired: true as const } : {}),
      ...(json['canary'] === undefined ? {} : { canary: canaryFrom(objectOf(json['canary'])) }),
    }
    if (json['kind'] === 'root') return { ...base, kind: 'root' }
    if (json['kind'] !== 'bucket-key') throw corrupt('a key slot of a kind that is not known')
    const wrapped = { ciphertext: Buffer.from(section(sections, next++)), keyVersion: text(json, 'keyVersion') }
    return { ...base, kind: 'bucket-key', keyId: text(json, 'keyId'), wrapped }
  })
}

const canaryToJson = ({ ciphertext, keyVersion }: WrappedDek): unknown => ({
  v: 1,
  keyVersion,
  ciphertext: ciphertext.toString('base64'),
})

function canaryFrom(json: Record<string, unknown>): WrappedDek {
  if (json['v'] !== 1) throw corrupt('a canary of a version that is not known')
  return { ciphertext: Buffer.from(text(json, 'ciphertext'), 'base64'), keyVersion: text(json, 'keyVersion') }
}

export const encryptionOf = (json: Record<string, unknown>): Encryption =>
  json['encryption'] === 'customer-managed' ? 'customer-managed' : 'provider-managed'
