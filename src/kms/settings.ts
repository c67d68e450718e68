const SECOND_MS = 1000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export interface KmsSettings {
  /** A disabled key is enabled no earlier than this after it was disabled. */
  readonly enableDelayMs: number
  /** A deleted key is restored no earlier than this after it was deleted. */
  readonly restoreDelayMs: number
  /** Between two rotations by hand; the first one is free. */
  readonly rotateIntervalMs: number
  /** How long after deletion a key can be restored; its material is destroyed when it ends. */
  readonly restoreWindowMs: number
  /** How long after deletion nobody may purge by hand. */
  readonly purgeDelayMs: number
  /** How long after deletion the key's metadata stays readable. */
  readonly purgeAfterMs: number
  /** How long the first authorisation of a deletion waits for the second. */
  readonly dualAuthWindowMs: number
  /** A month of a rotation policy. */
  readonly rotationMonthMs: number
  /** Between two synchronisations by hand, and between one and the last change of the key. */
  readonly syncIntervalMs: number
  /** Keys that a search looks through at most. */
  readonly searchLimit: number
  /** Of the RSA key of an import token, which lives for a day at most. */
  readonly importTokenKeyBits: number
  /** Networks whose callers count as coming through the private network: addresses or CIDR. */
  readonly privateNetworks: readonly string[]
  /** `false` lets callers in whatever the instances' network policies say: for whom they have locked out. */
  readonly networkPolicies: boolean
  /** They hold for services over a wire, too. */
  readonly networkPoliciesForServices: boolean
}

/** Key Protect's own times. */
export const DEFAULT_KMS_SETTINGS: KmsSettings = {
  enableDelayMs: 30 * SECOND_MS,
  restoreDelayMs: 30 * SECOND_MS,
  rotateIntervalMs: HOUR_MS,
  restoreWindowMs: 30 * DAY_MS,
  purgeDelayMs: 4 * HOUR_MS,
  purgeAfterMs: 90 * DAY_MS,
  dualAuthWindowMs: 7 * DAY_MS,
  rotationMonthMs: 30 * DAY_MS,
  syncIntervalMs: HOUR_MS,
  searchLimit: 5000,
  // As strong as AES-128, and made in a second; the next size takes several.
  importTokenKeyBits: 3072,
  privateNetworks: ['127.0.0.0/8', '::1/128', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
  networkPolicies: true,
  networkPoliciesForServices: false,
}
