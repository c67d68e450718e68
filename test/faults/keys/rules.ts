import type { KmsErrorCode } from '../../../src/kms/errors.ts'
import { DEFAULT_KMS_SETTINGS } from '../../../src/kms/settings.ts'

/** What is known of a key, by the rules of Key Protect alone. Never changed: replaced. */
export interface KeyFacts {
  readonly name: string
  readonly imported: boolean
  /** Of the newest version, when it was imported. */
  readonly material: Buffer | undefined
  readonly state: 'active' | 'suspended' | 'destroyed'
  readonly stateChangedAt: number
  readonly createdAt: number
  readonly expiresAt: number | undefined
  readonly rotatedAt: number | undefined
  readonly deletedAt: number
  /** The material is gone for good. */
  readonly gone: boolean
  /** And the key's record says so. */
  readonly erased: boolean
  readonly versions: number
  readonly dualAuth: boolean
  readonly setForDeletion: { readonly by: string; readonly until: number } | undefined
  readonly rotationMonths: number | undefined
  readonly aliases: readonly string[]
  /** Resource CRN → whether its deletion is prevented. */
  readonly registrations: ReadonlyMap<string, boolean>
}

/** What an act comes to: a refusal, or the facts after each of its commits; undefined when the key is gone. */
export type Verdict = { readonly refused: KmsErrorCode } | { readonly steps: readonly (KeyFacts | undefined)[] }
export type Rule = (key: KeyFacts, now: number) => Verdict

export const TIMES = DEFAULT_KMS_SETTINGS

const refused = (code: KmsErrorCode): Verdict => ({ refused: code })
const becomes = (...steps: readonly (KeyFacts | undefined)[]): Verdict => ({ steps })

/** Key Protect: an active key whose date has passed is deactivated. */
export const stateOf = (key: KeyFacts, now: number): KeyFacts['state'] | 'deactivated' =>
  key.state === 'active' && key.expiresAt !== undefined && key.expiresAt <= now ? 'deactivated' : key.state

export const mayWrap = (key: KeyFacts, now: number): boolean => stateOf(key, now) === 'active'
export const mayOpen = (key: KeyFacts, now: number): boolean => ['active', 'deactivated'].includes(stateOf(key, now))

export const disable: Rule = (key, now) =>
  stateOf(key, now) === 'active'
    ? becomes({ ...key, state: 'suspended', stateChangedAt: now })
    : refused('InvalidKeyState')

export const enable: Rule = (key, now) => {
  if (key.state !== 'suspended') return refused('InvalidKeyState')
  if (now < key.stateChangedAt + TIMES.enableDelayMs) return refused('TooEarly')
  return becomes({ ...key, state: 'active', stateChangedAt: now })
}

export const rotate =
  (material: Buffer | undefined): Rule =>
  (key, now) => {
    if (!mayOpen(key, now)) return refused('InvalidKeyState')
    if (key.imported && !material) return refused('PayloadRequired')
    if (!key.imported && material) return refused('InvalidField')
    if (key.rotatedAt !== undefined && now < key.rotatedAt + TIMES.rotateIntervalMs) return refused('RotationTooEarly')
    return becomes({ ...key, versions: key.versions + 1, rotatedAt: now, material })
  }

export const remove =
  (by: string, force: boolean): Rule =>
  (key, now) => {
    if (key.state === 'destroyed') return refused('KeyDeleted')
    if ([...key.registrations.values()].includes(true)) return refused('KeyDeletionPrevented')
    if (key.registrations.size > 0 && !force) return refused('ProtectedResource')
    const first = key.setForDeletion
    const second = first !== undefined && now < first.until && first.by !== by
    if (key.dualAuth && !second) return refused('AuthorizationsNotMet')
    const gone = { state: 'destroyed', stateChangedAt: now, deletedAt: now, setForDeletion: undefined } as const
    return becomes({ ...key, ...gone })
  }

export const restore =
  (material: Buffer | undefined): Rule =>
  (key, now) => {
    if (key.state !== 'destroyed') return refused('InvalidKeyState')
    if (key.gone || now >= key.deletedAt + TIMES.restoreWindowMs) return refused('RestoreExpired')
    if (key.expiresAt !== undefined && key.expiresAt <= now) return refused('KeyExpired')
    if (now < key.deletedAt + TIMES.restoreDelayMs) return refused('TooEarly')
    if (material && !key.material?.equals(material)) return refused('InvalidField')
    return becomes({ ...key, state: 'active', stateChangedAt: now })
  }

export const setForDeletion =
  (by: string | undefined): Rule =>
  (key, now) => {
    if (key.state === 'destroyed') return refused('InvalidKeyState')
    if (!key.dualAuth) return refused('NotDualAuth')
    return becomes({
      ...key,
      setForDeletion: by === undefined ? undefined : { by, until: now + TIMES.dualAuthWindowMs },
    })
  }

export const demandTwo: Rule = (key) =>
  key.state === 'destroyed' ? refused('InvalidKeyState') : becomes({ ...key, dualAuth: true })

export const rotateEvery =
  (months: number): Rule =>
  (key) => {
    if (key.state === 'destroyed') return refused('InvalidKeyState')
    return key.imported ? refused('InvalidField') : becomes({ ...key, rotationMonths: months })
  }

export const register =
  (crn: string, prevent: boolean): Rule =>
  (key, now) =>
    stateOf(key, now) === 'active'
      ? becomes({ ...key, registrations: new Map([...key.registrations, [crn, prevent]]) })
      : refused('InvalidKeyState')

export const deregister =
  (crn: string): Rule =>
  (key) =>
    key.registrations.has(crn)
      ? becomes({ ...key, registrations: new Map([...key.registrations].filter(([name]) => name !== crn)) })
      : becomes()

export const addAlias =
  (alias: string, taken: boolean): Rule =>
  (key) => {
    if (key.state === 'destroyed') return refused('InvalidKeyState')
    if (taken) return refused('AliasExists')
    return key.aliases.length >= 5
      ? refused('AliasLimitReached')
      : becomes({ ...key, aliases: [...key.aliases, alias] })
  }

export const removeAlias =
  (alias: string): Rule =>
  (key) =>
    key.aliases.includes(alias)
      ? becomes({ ...key, aliases: key.aliases.filter((name) => name !== alias) })
      : refused('AliasNotFound')

/** Its material goes first, its record last: interrupted, it is a deleted key that nobody can restore. */
export const purge: Rule = (key, now) => {
  if (key.state !== 'destroyed') return refused('InvalidKeyState')
  if (now < key.deletedAt + TIMES.purgeDelayMs) return refused('TooEarly')
  const gone = { ...key, gone: true }
  const erased = { ...gone, erased: true }
  const nameless = { ...erased, aliases: [], registrations: new Map<string, boolean>() }
  return becomes(
    ...(key.erased ? [] : [gone, erased]),
    ...(key.aliases.length + key.registrations.size > 0 ? [nameless] : []),
    ...(key.versions > 1 ? [{ ...nameless, versions: 1 }] : []),
    undefined,
  )
}

/** What time does, when the clock is trusted. `rotatedAt` is when. */
export function aged(key: KeyFacts, now: number): { readonly key: KeyFacts | undefined; readonly rotated: boolean } {
  if (key.state === 'destroyed') {
    if (now >= key.deletedAt + TIMES.purgeAfterMs) return { key: undefined, rotated: false }
    const over = key.erased || now >= key.deletedAt + TIMES.restoreWindowMs
    return { key: { ...key, gone: key.gone || over, erased: over }, rotated: false }
  }
  const { rotationMonths, rotatedAt = key.createdAt } = key
  const rotated =
    rotationMonths !== undefined &&
    stateOf(key, now) === 'active' &&
    now >= rotatedAt + rotationMonths * TIMES.rotationMonthMs
  return { key: rotated ? { ...key, versions: key.versions + 1 } : key, rotated }
}
