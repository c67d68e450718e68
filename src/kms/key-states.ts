import { type KmsErrorCode, kmsError } from './errors.ts'

/** Key states as NIST SP 800-57 numbers them and Key Protect shows them. */
export const KEY_STATE = { preActive: 0, active: 1, suspended: 2, deactivated: 3, destroyed: 5 } as const
export type KeyState = (typeof KEY_STATE)[keyof typeof KEY_STATE]
export const KEY_STATES: readonly KeyState[] = Object.values(KEY_STATE)

export type StatefulAction =
  | 'readPayload'
  | 'wrap'
  | 'unwrap'
  | 'rewrap'
  | 'rotate'
  | 'disable'
  | 'enable'
  | 'delete'
  | 'restore'
  | 'register'
  | 'setForDeletion'
  /** Its ring and its policies. */
  | 'edit'
  | 'purge'
  /** Without asking for the versions of keys in all states. */
  | 'listVersions'

const EDITS: readonly StatefulAction[] = ['setForDeletion', 'edit']

const ALLOWED: Readonly<Record<KeyState, readonly StatefulAction[]>> = {
  [KEY_STATE.preActive]: [],
  [KEY_STATE.active]: [
    'readPayload',
    'wrap',
    'unwrap',
    'rewrap',
    'rotate',
    'disable',
    'delete',
    'register',
    'listVersions',
    ...EDITS,
  ],
  [KEY_STATE.suspended]: ['enable', 'delete', ...EDITS],
  // Key Protect: an expired key still opens what it wrapped, and never wraps again. Its rotation serves rewrap.
  [KEY_STATE.deactivated]: ['readPayload', 'unwrap', 'rewrap', 'rotate', 'delete', ...EDITS],
  [KEY_STATE.destroyed]: ['restore', 'purge'],
}

/** Errors that differ from InvalidKeyState. */
const OTHER_ERROR: Readonly<Partial<Record<KeyState, Partial<Record<StatefulAction, KmsErrorCode>>>>> = {
  [KEY_STATE.destroyed]: { delete: 'KeyDeleted' },
}

export const isAllowed = (state: KeyState, action: StatefulAction): boolean => ALLOWED[state].includes(action)

/** Throws InvalidKeyState, or KeyDeleted, when the state table does not have this action in this state. */
export function assertAllowed(state: KeyState, action: StatefulAction): void {
  if (isAllowed(state, action)) return
  const code = OTHER_ERROR[state]?.[action] ?? 'InvalidKeyState'
  throw kmsError(code, `The key is ${STATE_WORDS[state]} (state ${state}): ${CANNOT[action]}`, { state })
}

const STATE_WORDS: Readonly<Record<KeyState, string>> = {
  [KEY_STATE.preActive]: 'not active yet',
  [KEY_STATE.active]: 'active',
  [KEY_STATE.suspended]: 'disabled',
  [KEY_STATE.deactivated]: 'expired',
  [KEY_STATE.destroyed]: 'deleted',
}

const CANNOT: Readonly<Record<StatefulAction, string>> = {
  readPayload: 'its material cannot be read',
  wrap: 'it cannot wrap',
  unwrap: 'it cannot unwrap',
  rewrap: 'it cannot rewrap',
  rotate: 'it cannot be rotated',
  disable: 'it cannot be disabled',
  enable: 'it cannot be enabled',
  delete: 'it cannot be deleted',
  restore: 'it cannot be restored',
  register: 'nothing can be put under it',
  setForDeletion: 'it cannot be set for deletion',
  edit: 'its ring and its policies cannot be changed',
  purge: 'it cannot be purged',
  listVersions: 'its versions are listed with allKeyStates=true alone',
}
