import { newUuid } from '../base/ids.ts'
import type { Actor, KmsContext } from './context.ts'
import { invalidField } from './errors.ts'
import { assertMonths } from './instance-policies.ts'
import type { DualAuthPolicy, RotationPolicy } from './key-policies.ts'
import type { KeyRecord } from './keys.ts'

export interface NewRotation {
  readonly enabled: boolean
  /** 1 to 12. An existing policy keeps its own when it is absent. */
  readonly intervalMonths?: number
}

export interface NewKeyPolicies {
  readonly rotation?: NewRotation
  readonly dualAuthDelete?: { readonly enabled: boolean }
}

type Fresh = {
  readonly extractable: boolean
  readonly payload?: Buffer
  readonly policies?: NewKeyPolicies
}

/** What was asked for with the key, otherwise what the instance gives to its new keys. Throws InvalidField. */
export function policiesOfNewKey(
  context: KmsContext,
  actor: Actor,
  { extractable, payload, policies = {} }: Fresh,
): Pick<KeyRecord, 'rotation' | 'dualAuthDelete'> {
  const ofInstance = context.instances.policiesOf(actor.instanceId)
  const rotates = !extractable && !payload
  if (policies.rotation && !rotates) throw notRotatable()
  const months = ofInstance.rotation?.enabled ? ofInstance.rotation.attributes?.intervalMonths : undefined
  const inherited: NewRotation | undefined =
    rotates && months !== undefined ? { enabled: true, intervalMonths: months } : undefined
  const rotation = rotationPolicy(context, actor, policies.rotation ?? inherited, undefined)
  const dualAuth = policies.dualAuthDelete ?? { enabled: ofInstance.dualAuthDelete?.enabled === true }
  return {
    ...(rotation ? { rotation } : {}),
    ...(dualAuth.enabled ? { dualAuthDelete: dualAuthPolicy(context, actor, undefined) } : {}),
  }
}

/** Only a root key that was made here gets new material by itself. */
export const notRotatable = () => invalidField('rotation', 'only a root key that was not imported rotates by policy')

/** Throws InvalidField. */
export function rotationPolicy(
  { now }: KmsContext,
  { iamId }: Actor,
  wanted: NewRotation | undefined,
  before: RotationPolicy | undefined,
): RotationPolicy | undefined {
  if (!wanted) return before
  const { enabled, intervalMonths = before?.intervalMonths } = wanted
  if (intervalMonths === undefined) {
    throw invalidField('interval_month', 'a first rotation policy needs its interval')
  }
  assertMonths(intervalMonths)
  const { id = newUuid(), createdAt = now(), createdBy = iamId } = before ?? {}
  return { id, createdAt, createdBy, updatedAt: now(), updatedBy: iamId, enabled, intervalMonths }
}

export function dualAuthPolicy(
  { now }: KmsContext,
  { iamId }: Actor,
  before: DualAuthPolicy | undefined,
): DualAuthPolicy {
  if (before?.enabled) return { ...before, updatedAt: now(), updatedBy: iamId }
  const { id = newUuid(), createdAt = now(), createdBy = iamId } = before ?? {}
  return { id, createdAt, createdBy, updatedAt: now(), updatedBy: iamId, enabled: true }
}
