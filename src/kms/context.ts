import type { Serial } from '../base/serial.ts'
import type { Catalog, KeyEntry } from './catalog.ts'
import { kmsError } from './errors.ts'
import type { ImportTokenBook } from './import-token-book.ts'
import type { InstanceBook } from './instance-book.ts'
import type { KeyEventType } from './key-events.ts'
import { assertAllowed, type KeyState, type StatefulAction } from './key-states.ts'
import type { KeyVersion } from './key-versions.ts'
import { keyState } from './keys.ts'
import type { Materials } from './material.ts'
import type { KmsSettings } from './settings.ts'

/** What the acts behind the door share. */
export interface KmsContext {
  readonly catalog: Catalog
  readonly instances: InstanceBook
  readonly importTokens: ImportTokenBook
  readonly materials: Materials
  readonly serial: Serial
  readonly settings: KmsSettings
  readonly now: () => number
  /** Sealed material that was overwritten leaves the disk: see MetadataStore.compact. */
  readonly compact: () => Promise<void>
  /** To be called in the key's turn, so that its events keep their order. */
  readonly tell: (type: KeyEventType, entry: KeyEntry) => void
}

/** Who acts, as the records name them (an IAM id), in which instance; authorised already. */
export interface Actor {
  readonly iamId: string
  readonly instanceId: string
}

/** Throws KeyNotFound, KeyDamaged or KeyUnavailable. */
export function requireKey(context: KmsContext, instanceId: string, idOrAlias: string): KeyEntry {
  const entry = context.catalog.find(instanceId, idOrAlias)
  if (!entry && context.catalog.isDamaged(instanceId, idOrAlias)) {
    throw kmsError('KeyDamaged', 'what is stored of the key is damaged: it has to be restored from a backup')
  }
  if (!entry) throw kmsError('KeyNotFound', 'the key does not exist')
  if (entry.unavailable) throw kmsError('KeyUnavailable', 'the state of the key is not known until the next start')
  return entry
}

/** Throws RootKeyRequired. */
export function assertRoot(entry: KeyEntry): void {
  if (entry.record.extractable) throw kmsError('RootKeyRequired', 'the action needs a root key')
}

export const stateOf = (context: KmsContext, entry: KeyEntry): KeyState => keyState(entry.record, context.now())

/** A root key on which the state table allows `action` now. Throws RootKeyRequired, InvalidKeyState. */
export function requireUsable(context: KmsContext, entry: KeyEntry, action: StatefulAction): void {
  assertRoot(entry)
  assertAllowed(stateOf(context, entry), action)
}

export function newestVersion(entry: KeyEntry): KeyVersion {
  const newest = entry.versions.at(-1)
  if (!newest) throw kmsError('KeyDamaged', 'a key has no version')
  return newest
}

/** False also of a key whose purge was interrupted: the material goes first, and the record says so later. */
export const hasMaterial = (entry: KeyEntry): boolean =>
  !entry.record.erased && entry.versions.every(({ sealed }) => sealed !== undefined)

/** One mutation of a key at a time: found, checked and changed without another one between. */
export function changeKey<T>(
  context: KmsContext,
  actor: Actor,
  idOrAlias: string,
  change: (entry: KeyEntry) => Promise<T>,
): Promise<T> {
  const { instanceId } = actor
  const { id } = requireKey(context, instanceId, idOrAlias)
  return context.serial.run(`key ${instanceId} ${id}`, () => change(requireKey(context, instanceId, id)))
}
