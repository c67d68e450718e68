import type { KeyEntry } from './catalog.ts'
import {
  type Actor,
  assertRoot,
  changeKey,
  hasMaterial,
  type KmsContext,
  newestVersion,
  requireUsable,
  stateOf,
} from './context.ts'
import { assertImportedSafely } from './create-access.ts'
import { assertAuthorized, usedUp } from './dual-authorization.ts'
import { invalidField, type KmsErrorCode, kmsError } from './errors.ts'
import { assertAllowed, KEY_STATE } from './key-states.ts'
import type { KeyRecord } from './keys.ts'
import { writeRecord } from './write-record.ts'

/** What came with a call that can bring material along; it is zeroed. */
export interface NewMaterial {
  readonly payload?: Buffer
  /** It came under an import token. */
  readonly secureImport?: boolean
}

/** Nothing wraps or opens with the key from the moment that this resolves. Throws RootKeyRequired, InvalidKeyState. */
export function disableKey(context: KmsContext, actor: Actor, idOrAlias: string): Promise<void> {
  return changeKey(context, actor, idOrAlias, async (entry) => {
    requireUsable(context, entry, 'disable')
    await writeRecord(context, entry, { state: KEY_STATE.suspended, stateChangedAt: context.now() })
    context.materials.forget(entry)
    context.tell('disabled', entry)
  })
}

/** Throws RootKeyRequired, InvalidKeyState, TooEarly. */
export function enableKey(context: KmsContext, actor: Actor, idOrAlias: string): Promise<void> {
  return changeKey(context, actor, idOrAlias, async (entry) => {
    requireUsable(context, entry, 'enable')
    assertElapsed(context, entry.record.stateChangedAt, context.settings.enableDelayMs, 'TooEarly')
    await writeRecord(context, entry, { state: KEY_STATE.active, stateChangedAt: context.now() })
    context.tell('enabled', entry)
  })
}

/**
 * Soft: the key is unusable at once and can be restored until its restore window ends, when the sweep destroys its
 * material. Throws KeyDeleted, ProtectedResource, KeyDeletionPrevented, AuthorizationsNotMet.
 */
export function deleteKey(context: KmsContext, actor: Actor, idOrAlias: string, force: boolean): Promise<KeyEntry> {
  return changeKey(context, actor, idOrAlias, async (entry) => {
    assertAllowed(stateOf(context, entry), 'delete')
    assertDeletable(entry, force)
    assertAuthorized(context, entry, actor)
    const now = context.now()
    const change: Partial<KeyRecord> = { deletedAt: now, deletedBy: actor.iamId, stateChangedAt: now }
    await writeRecord(context, entry, { ...change, ...usedUp(entry.record), state: KEY_STATE.destroyed })
    context.materials.forget(entry)
    context.tell('deleted', entry)
    return entry
  })
}

function assertDeletable({ registrations }: KeyEntry, force: boolean): void {
  if ([...registrations.values()].some((registration) => registration.preventKeyDeletion)) {
    throw kmsError(
      'KeyDeletionPrevented',
      'the key protects a resource whose retention forbids the deletion of its key',
    )
  }
  if (registrations.size > 0 && !force) throw kmsError('ProtectedResource', 'the key protects a resource')
}

/**
 * A deleted root key is active again. `payload`, when given, must be the material that it had; it is zeroed.
 * Throws RootKeyRequired, InvalidKeyState, TooEarly, RestoreExpired, KeyExpired, InvalidField, KeyAccessRestricted.
 */
export function restoreKey(
  context: KmsContext,
  actor: Actor,
  idOrAlias: string,
  { payload, secureImport }: NewMaterial = {},
): Promise<KeyEntry> {
  const restored = changeKey(context, actor, idOrAlias, async (entry) => {
    assertRestorable(context, entry)
    assertImportedSafely(context, entry.instanceId, { payload, secureImport })
    if (payload && !context.materials.equals(entry, newestVersion(entry), payload)) {
      throw invalidField('payload', 'not the material that the key had')
    }
    // Who deleted it, and when, stays in the record: only a destroyed key shows it.
    await writeRecord(context, entry, { state: KEY_STATE.active, stateChangedAt: context.now() })
    context.tell('restored', entry)
    return entry
  })
  return restored.finally(() => payload?.fill(0))
}

function assertRestorable(context: KmsContext, entry: KeyEntry): void {
  const { record } = entry
  const now = context.now()
  assertRoot(entry)
  assertAllowed(stateOf(context, entry), 'restore')
  const deletedAt = record.deletedAt ?? 0
  if (!hasMaterial(entry) || now >= deletedAt + context.settings.restoreWindowMs) {
    throw kmsError('RestoreExpired', 'the time for restoring the key has passed')
  }
  if (record.expiresAt !== undefined && record.expiresAt <= now) {
    throw kmsError('KeyExpired', 'the expiration date of the key has passed')
  }
  assertElapsed(context, deletedAt, context.settings.restoreDelayMs, 'TooEarly')
}

/** Throws `code`, with the time still to wait, unless `delayMs` has passed since `since`. */
export function assertElapsed(context: KmsContext, since: number, delayMs: number, code: KmsErrorCode): void {
  const retryAfterMs = since + delayMs - context.now()
  if (retryAfterMs > 0) throw kmsError(code, 'too early', { retryAfterMs })
}
