import type { Call } from './call.ts'
import { CommandFailure } from './failure.ts'
import { s3Failure } from './s3-failure.ts'

/** Tells of one that failed while the rest goes on. */
export function itemFailure({ out }: Pick<Call, 'out'>, name: string, error: unknown, endpoint: string): void {
  const failure = error instanceof CommandFailure ? error : s3Failure(error, endpoint)
  const why = failure?.failure.why ?? (error instanceof Error ? error.message : String(error))
  out.warning(`${name}: ${why}  [${failure?.failure.code ?? 'Fault'}]`)
}
