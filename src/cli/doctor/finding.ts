import { CommandFailure } from '../failure.ts'
import { s3Failure } from '../s3-failure.ts'
import type { Server } from '../server.ts'

/** As `coffer doctor` tells it. */
export interface Finding {
  readonly check: string
  readonly verdict: 'ok' | 'warning' | 'problem'
  readonly message: string
  readonly mend?: string
}

export const ok = (check: string, message: string): Finding => ({ check, verdict: 'ok', message })
export const warning = (check: string, message: string, mend: string): Finding => ({
  check,
  verdict: 'warning',
  message,
  mend,
})
export const problem = (check: string, message: string, mend: string): Finding => ({
  check,
  verdict: 'problem',
  message,
  mend,
})

/** A check that could not be made. */
export function failed(check: string, error: unknown, { s3Url }: Server): Finding {
  const failure = (error instanceof CommandFailure ? error : s3Failure(error, s3Url))?.failure
  const why = failure?.why ?? (error instanceof Error ? error.message : String(error))
  const [fix = 'coffer health'] = failure?.fixes ?? []
  return problem(check, `could not be looked at: ${why}`, fix)
}
