import { describe, expect, it } from 'vitest'
import { assertAllowed, KEY_STATE, type KeyState, type StatefulAction } from '../../../src/kms/key-states.ts'

const ACTIONS: readonly StatefulAction[] = [
  'readPayload',
  'wrap',
  'unwrap',
  'rewrap',
  'rotate',
  'disable',
  'enable',
  'delete',
  'restore',
  'register',
  'setForDeletion',
  'edit',
  'purge',
  'listVersions',
]

function answers(state: KeyState): Record<string, string> {
  return Object.fromEntries(
    ACTIONS.map((action) => {
      try {
        assertAllowed(state, action)
        return [action, 'allowed']
      } catch (error) {
        return [action, error instanceof Error && 'code' in error ? String(error.code) : 'no code']
      }
    }),
  )
}

const no = 'InvalidKeyState'
const yes = 'allowed'

describe('the state table', () => {
  it.each([
    ['pre-active', KEY_STATE.preActive, [no, no, no, no, no, no, no, no, no, no, no, no, no, no]],
    ['active', KEY_STATE.active, [yes, yes, yes, yes, yes, yes, no, yes, no, yes, yes, yes, no, yes]],
    ['suspended', KEY_STATE.suspended, [no, no, no, no, no, no, yes, yes, no, no, yes, yes, no, no]],
    ['deactivated', KEY_STATE.deactivated, [yes, no, yes, yes, yes, no, no, yes, no, no, yes, yes, no, no]],
    ['destroyed', KEY_STATE.destroyed, [no, no, no, no, no, no, no, 'KeyDeleted', yes, no, no, no, yes, no]],
  ])('%s', (_, state, expected) => {
    expect(answers(state)).toEqual(Object.fromEntries(ACTIONS.map((action, at) => [action, expected[at]])))
  })
})
