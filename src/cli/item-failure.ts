import type { Call } from './call.ts'
import { CommandFailure } from './failure.ts'
import { member } from './json.ts'
import { s3Failure } from './s3-failure.ts'

/** What could not be written here: nothing that comes after it could be. */
const HOPELESS: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EROFS']

/** Tells of one that failed while the rest goes on. Throws what the rest would fail of, too. */
export function itemFailure({ out }: Pick<Call, 'out'>, name: string, error: unknown, endpoint: string): void {
  if (member(error, 'syscall') !== undefined && HOPELESS.includes(member(error, 'code'))) throw error
  const failure = error instanceof CommandFailure ? error : s3Failure(error, endpoint)
  const why = failure?.failure.why ?? (error instanceof Error ? error.message : String(error))
  out.warning(`${name}: ${why}  [${failure?.failure.code ?? 'Fault'}]`)
}
