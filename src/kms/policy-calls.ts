import type { Instance } from '../iam/instances.ts'
import type { KeyEntry } from './catalog.ts'
import { type KmsContext, requireKey } from './context.ts'
import type { Door, KmsCaller } from './door.ts'
import { kmsError } from './errors.ts'
import type { InstancePolicies } from './instance-book.ts'
import type { NewInstancePolicy } from './instance-policies.ts'
import type { DualAuthPolicy, RotationPolicy } from './key-policies.ts'
import { policyCrn } from './key-view.ts'
import type { NewKeyPolicies } from './new-key-policies.ts'
import { setInstancePolicies, setKeyPolicies } from './set-policies.ts'

export interface KeyPoliciesView {
  readonly rotation?: RotationPolicy & { readonly crn: string }
  readonly dualAuthDelete?: DualAuthPolicy & { readonly crn: string }
}

export interface PolicyCalls {
  readonly setKeyPolicies: (caller: KmsCaller, key: string, policies: NewKeyPolicies) => Promise<KeyPoliciesView>
  readonly getKeyPolicies: (caller: KmsCaller, key: string) => KeyPoliciesView
  readonly setInstancePolicies: (caller: KmsCaller, policies: readonly NewInstancePolicy[]) => Promise<void>
  readonly getInstancePolicies: (caller: KmsCaller) => InstancePolicies
  /** Whether the caller may ask at what port the instance is reached. */
  readonly admitToPort: (caller: KmsCaller) => void
}

export function policyCalls(context: KmsContext, door: Door): PolicyCalls {
  return {
    setKeyPolicies: (caller, key, policies) =>
      door.later(caller, 'kms.policies.write', key, async ({ actor, instance }) =>
        policiesView(instance, await setKeyPolicies(context, actor, key, policies)),
      ),
    getKeyPolicies: (caller, key) =>
      door.now(caller, 'kms.policies.read', key, ({ instance }) =>
        policiesView(instance, requireKey(context, instance.guid, key)),
      ),
    setInstancePolicies: (caller, policies) =>
      door.later(caller, 'kms.instance-policies.write', undefined, ({ actor }) =>
        setInstancePolicies(context, actor, policies),
      ),
    getInstancePolicies: (caller) =>
      door.now(caller, 'kms.instance-policies.read', undefined, ({ instance }) => {
        const [damaged] = context.instances.damagedPoliciesOf(instance.guid)
        if (damaged !== undefined)
          throw kmsError('KeyDamaged', `the instance policy ${damaged} is damaged: set it anew`)
        return context.instances.policiesOf(instance.guid)
      }),
    admitToPort: (caller) => door.now(caller, 'kms.instance-allowed-ip-port.read', undefined, () => {}),
  }
}

function policiesView(instance: Instance, { record }: KeyEntry): KeyPoliciesView {
  const { rotation, dualAuthDelete } = record
  return {
    ...(rotation ? { rotation: { ...rotation, crn: policyCrn(instance, rotation.id) } } : {}),
    ...(dualAuthDelete ? { dualAuthDelete: { ...dualAuthDelete, crn: policyCrn(instance, dualAuthDelete.id) } } : {}),
  }
}
