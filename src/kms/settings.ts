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
}

/** Key Protect's own times. */
export const DEFAULT_KMS_SETTINGS: KmsSettings = {
  enableDelayMs: 30 * SECOND_MS,
  restoreDelayMs: 30 * SECOND_MS,
  rotateIntervalMs: HOUR_MS,
  restoreWindowMs: 30 * DAY_MS,
  purgeDelayMs: 4 * HOUR_MS,
  purgeAfterMs: 90 * DAY_MS,
}
