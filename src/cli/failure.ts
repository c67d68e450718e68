import type { Ending } from '../base/exit-status.ts'

/** Why a command did not do what it was asked. */
export interface Failure {
  /** Stable: `NoSuchBucket`. */
  readonly code: string
  readonly ending: Ending
  /** Why, as the end of a sentence, without a full stop. */
  readonly why: string
  /** Commands that mend it, the best one first. */
  readonly fixes?: readonly string[] | undefined
  readonly notes?: readonly string[] | undefined
  readonly requestId?: string | undefined
}

export class CommandFailure extends Error {
  readonly failure: Failure

  constructor(failure: Failure, cause?: unknown) {
    super(failure.why, cause === undefined ? undefined : { cause })
    this.name = 'CommandFailure'
    this.failure = failure
  }
}

export const usage = (why: string, ...fixes: readonly string[]): CommandFailure =>
  new CommandFailure({ code: 'Usage', ending: 'usage', why, fixes })

export const notFound = (code: string, why: string, ...fixes: readonly string[]): CommandFailure =>
  new CommandFailure({ code, ending: 'notFound', why, fixes })
