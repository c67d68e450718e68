import type { KeyState } from './key-states.ts'

export type KeyEventType =
  | 'created'
  | 'disabled'
  | 'enabled'
  | 'rotated'
  | 'deleted'
  | 'restored'
  | 'purged'
  /** Nothing changed: whoever uses the key looks at it again. */
  | 'synced'

/** What happened to a key, told after it is durable; the events of one key come in their order. */
export interface KeyEvent {
  readonly type: KeyEventType
  readonly atMs: number
  readonly keyCrn: string
  /** The newest version. */
  readonly keyVersion: string
  readonly state: KeyState
}

export type KeyEventListener = (event: KeyEvent) => void

export interface KeyEvents {
  /** The result ends it. A listener does nothing long: it is called before the change is answered. */
  readonly on: (listener: KeyEventListener) => () => void
  readonly tell: (event: KeyEvent) => void
}

/** What a listener throws is reported and hinders nobody. */
export function createKeyEvents(onError: (error: Error) => void): KeyEvents {
  const listeners = new Set<KeyEventListener>()
  return {
    on: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tell: (event) => {
      for (const listener of listeners) {
        try {
          listener(event)
        } catch (cause) {
          onError(new Error(`a listener of the key event ${event.type} failed`, { cause }))
        }
      }
    },
  }
}
