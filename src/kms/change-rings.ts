import type { Write } from '../storage/metadata/metadata-store.ts'
import type { KeyEntry } from './catalog.ts'
import { type Actor, changeKey, type KmsContext, stateOf } from './context.ts'
import { kmsError } from './errors.ts'
import { assertRingId, DEFAULT_RING, type KeyRingRecord, keyRingRecords, MAX_RINGS_OF_INSTANCE } from './key-rings.ts'
import { assertAllowed, KEY_STATE } from './key-states.ts'
import { instanceRow, KMS_SPACE } from './keyspace.ts'
import { writeRecord } from './write-record.ts'

export interface KeyRingView {
  readonly id: string
  /** `default` has none, nor has one of which it is damaged. */
  readonly record?: KeyRingRecord
}

/** `default` first, then by id. */
export function keyRings({ instances }: KmsContext, instanceId: string): KeyRingView[] {
  const made = [...instances.ringsOf(instanceId)].map(([id, record]) => ({ id, ...(record ? { record } : {}) }))
  return [{ id: DEFAULT_RING }, ...made.sort((a, b) => (a.id < b.id ? -1 : 1))]
}

/** Throws InvalidField, KeyRingExists, KeyRingLimitReached, KeyUnavailable. */
export async function createKeyRing(context: KmsContext, actor: Actor, ring: string): Promise<void> {
  const { instances, now } = context
  const { instanceId, iamId } = actor
  assertRingId(ring)
  await inTurn(context, instanceId, async () => {
    if (instances.hasRing(instanceId, ring)) throw ringExists()
    if (instances.ringsOf(instanceId).size >= MAX_RINGS_OF_INSTANCE) {
      throw kmsError('KeyRingLimitReached', `at most ${MAX_RINGS_OF_INSTANCE} key rings besides ${DEFAULT_RING}`)
    }
    const record: KeyRingRecord = { createdAt: now(), createdBy: iamId }
    const key = instanceRow(instanceId, ring)
    const write: Write = { type: 'put', space: KMS_SPACE.keyRing, key, value: keyRingRecords.encode(record), if: null }
    if (!(await instances.commit([write], () => instances.setRing(instanceId, ring, record)))) throw ringExists()
  })
}

/**
 * Fails while the ring holds keys that are not deleted; deleted ones move to `default`, with `force`.
 * `mayMove` throws when the caller may not. Throws KeyRingNotFound, KeyRingNotEmpty, InvalidField, KeyUnavailable.
 */
export async function deleteKeyRing(
  context: KmsContext,
  actor: Actor,
  ring: string,
  { force, mayMove }: { readonly force: boolean; readonly mayMove: () => void },
): Promise<void> {
  const { instances } = context
  const { instanceId } = actor
  await inTurn(context, instanceId, async () => {
    if (!instances.hasRing(instanceId, ring)) throw ringNotFound()
    if (ring === DEFAULT_RING) throw kmsError('InvalidField', `${DEFAULT_RING} cannot be deleted`, { field: 'id' })
    const held = keysIn(context, instanceId, ring)
    const alive = held.some((entry) => stateOf(context, entry) !== KEY_STATE.destroyed)
    if (alive || (held.length > 0 && !force)) throw notEmpty()
    if (held.length > 0) mayMove()
    for (const { id } of held) {
      await changeKey(context, actor, id, (entry) => writeRecord(context, entry, { keyRingId: DEFAULT_RING }))
    }
    const write: Write = { type: 'delete', space: KMS_SPACE.keyRing, key: instanceRow(instanceId, ring) }
    await instances.commit([write], () => instances.removeRing(instanceId, ring))
  })
}

/** Throws KeyRingNotFound, InvalidKeyState. */
export function moveKey(context: KmsContext, actor: Actor, idOrAlias: string, ring: string): Promise<KeyEntry> {
  return inTurn(context, actor.instanceId, async () => {
    if (!context.instances.hasRing(actor.instanceId, ring)) throw ringNotFound()
    return changeKey(context, actor, idOrAlias, async (entry) => {
      assertAllowed(stateOf(context, entry), 'edit')
      await writeRecord(context, entry, { keyRingId: ring })
      return entry
    })
  })
}

/** Rings come and go, and keys come into them, one after the other. */
const inTurn = <T>({ serial }: KmsContext, instanceId: string, act: () => Promise<T>): Promise<T> =>
  serial.run(`rings ${instanceId}`, act)

const keysIn = ({ catalog }: KmsContext, instanceId: string, ring: string): KeyEntry[] =>
  [...catalog.keysOf(instanceId)].filter(({ record }) => record.keyRingId === ring)

const ringExists = () => kmsError('KeyRingExists', 'the key ring exists')
const ringNotFound = () => kmsError('KeyRingNotFound', 'the key ring does not exist')
const notEmpty = () => kmsError('KeyRingNotEmpty', 'the key ring holds keys')
