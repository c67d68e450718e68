import type { KeyEntry } from './catalog.ts'
import { type Actor, changeKey, type KmsContext, stateOf } from './context.ts'
import { kmsError } from './errors.ts'
import type { DualAuthPolicy } from './key-policies.ts'
import { assertAllowed } from './key-states.ts'
import type { KeyRecord } from './keys.ts'
import { writeRecord } from './write-record.ts'

/** The first of two authorisations to delete the key; it waits for the other one for the window. Throws NotDualAuth, InvalidKeyState. */
export function setKeyForDeletion(context: KmsContext, actor: Actor, idOrAlias: string): Promise<void> {
  return changePolicy(context, actor, idOrAlias, (policy) => {
    const at = context.now()
    return { ...policy, setForDeletion: { by: actor.iamId, at, expiresAt: at + context.settings.dualAuthWindowMs } }
  })
}

/** Throws NotDualAuth, InvalidKeyState. */
export function unsetKeyForDeletion(context: KmsContext, actor: Actor, idOrAlias: string): Promise<void> {
  return changePolicy(context, actor, idOrAlias, withoutAuthorization)
}

function changePolicy(
  context: KmsContext,
  actor: Actor,
  idOrAlias: string,
  change: (policy: DualAuthPolicy) => DualAuthPolicy,
): Promise<void> {
  return changeKey(context, actor, idOrAlias, async (entry) => {
    assertAllowed(stateOf(context, entry), 'setForDeletion')
    const { dualAuthDelete } = entry.record
    if (!dualAuthDelete?.enabled) {
      throw kmsError('NotDualAuth', 'The key is not dual auth enabled and cannot be set for deletion')
    }
    await writeRecord(context, entry, { dualAuthDelete: change(dualAuthDelete) })
  })
}

/** Throws AuthorizationsNotMet unless another one than `actor` has set the key for deletion, not too long ago. */
export function assertAuthorized({ now }: KmsContext, { record }: KeyEntry, actor: Actor): void {
  if (!record.dualAuthDelete?.enabled) return
  const first = pendingDeletion(record, now())
  if (!first || first.by === actor.iamId) {
    throw kmsError('AuthorizationsNotMet', 'Number of authorizations required to delete is not met')
  }
}

/** The first authorisation, while it holds. */
export function pendingDeletion({ dualAuthDelete }: KeyRecord, now: number): DualAuthPolicy['setForDeletion'] {
  const first = dualAuthDelete?.enabled ? dualAuthDelete.setForDeletion : undefined
  return first && now < first.expiresAt ? first : undefined
}

/** An authorisation is used up by the deletion that it was given for. */
export function usedUp({ dualAuthDelete }: KeyRecord): Pick<KeyRecord, 'dualAuthDelete'> {
  return dualAuthDelete ? { dualAuthDelete: withoutAuthorization(dualAuthDelete) } : {}
}

function withoutAuthorization({ setForDeletion: _used, ...policy }: DualAuthPolicy): DualAuthPolicy {
  return policy
}
