import type { Clock } from '../../base/clock.ts'
import type { MetadataStore } from '../../storage/metadata/metadata-store.ts'

export interface Message {
  /** Where it goes. */
  readonly target: string
  readonly timeMs: number
}

/** What a message is about. */
export interface Subject {
  /** Messages of one bucket keep none of another one waiting. */
  readonly bucket: string
  /** Undefined: nothing waits for it, and it waits for nothing. */
  readonly key: string | undefined
  /** Of this message alone. */
  readonly id: string
  /** Once it was not taken, nothing waits for it any more: it may come later than what came after it. */
  readonly mayComeLate?: boolean
}

/** This message was not taken, which says nothing of others. */
export class MessageRefused extends Error {
  constructor(cause: unknown) {
    super('the message was refused', { cause })
  }
}

export interface OutboxOptions<Sent extends Message> {
  readonly metadata: MetadataStore
  readonly clock: Clock
  /** Of the rows. */
  readonly space: number
  readonly targets: readonly string[]
  /** As `latestOf` finds it: of what earlier runs left. */
  readonly latestMs: number
  readonly subject: (message: Sent) => Subject
  /**
   * Rejects when the target did not take it: it is told again. Unless it says MessageRefused, the target may be away.
   * `signal`: nobody waits for it any more.
   */
  readonly deliver: (message: Sent, signal: AbortSignal) => Promise<void>
  /** A message that nobody took for a week, before it is dropped. */
  readonly onExpired?: (message: Sent) => Promise<void>
  /** Of a message behind one of its object that was refused, each time that is. */
  readonly onWait?: (message: Sent) => Promise<void>
  /** For what goes wrong: `the notification target`, `an event`, `events`. */
  readonly words: { readonly target: string; readonly message: string; readonly messages: string }
  /** Of the first repetition of a message; each further one waits twice as long, up to five minutes. */
  readonly retryMs?: number | undefined
  readonly onError: (error: unknown) => void
}
