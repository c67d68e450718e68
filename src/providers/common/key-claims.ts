import type { Crn } from '../../base/crn.ts'

/** Which root keys a provider serves. An empty list says nothing; three empty ones claim what nobody else does. */
export interface KeyClaims {
  /** GUIDs of key management instances. */
  readonly instances: readonly string[]
  readonly accounts: readonly string[]
  readonly regions: readonly string[]
}

export const covers = ({ instances, accounts, regions }: KeyClaims, crn: Crn): boolean =>
  has(instances, crn.instance.toLowerCase()) && has(accounts, crn.account) && has(regions, crn.region)

/** Of two claims that cover a key the one that says more counts: an instance more than an account, that more than a region. */
export const specificity = ({ instances, accounts, regions }: KeyClaims): number =>
  (instances.length > 0 ? 4 : 0) + (accounts.length > 0 ? 2 : 0) + (regions.length > 0 ? 1 : 0)

/** True when there may be a key that both claim and neither claims more specifically. */
export const collide = (a: KeyClaims, b: KeyClaims): boolean =>
  specificity(a) === specificity(b) &&
  meet(a.instances, b.instances) &&
  meet(a.accounts, b.accounts) &&
  meet(a.regions, b.regions)

const has = (list: readonly string[], value: string): boolean => list.length === 0 || list.includes(value)
const meet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === 0 || b.length === 0 || a.some((value) => b.includes(value))
