import type { Call } from './call.ts'
import { CommandFailure } from './failure.ts'
import { member } from './json.ts'
import { s3Failure } from './s3-failure.ts'

/** What could not be written here: nothing that comes after it could be. */
const HOPELESS: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EROFS']

/** Tells of one that failed while the rest goes on; undefined: of a fault. Throws what the rest would fail of, too. */
export function itemFailure(
  { out }: Pick<Call, 'out'>,
  name: string,
  error: unknown,
  endpoint: string,
): CommandFailure | undefined {
  if (member(error, 'syscall') !== undefined && HOPELESS.includes(member(error, 'code'))) throw error
  const failure = error instanceof CommandFailure ? error : s3Failure(error, endpoint)
  const why = failure?.failure.why ?? (error instanceof Error ? error.message : String(error))
  out.warning(`${name}: ${why}  [${failure?.failure.code ?? 'Fault'}]`)
  return failure
}

/** Those of many that failed. */
export interface FailedItems {
  readonly add: (name: string, error: unknown) => void
  readonly count: () => number
  /** Throws when there are any: with the reason of all, where it is one and nothing was done. */
  readonly check: (done: number, why: string, fixes?: readonly string[]) => void
}

export function failedItems(call: Pick<Call, 'out'>, endpoint: string): FailedItems {
  let count = 0
  let first: CommandFailure | undefined
  let isOne = true
  return {
    add: (name, error) => {
      const failure = itemFailure(call, name, error, endpoint)
      first ??= failure
      isOne &&= failure !== undefined && failure.failure.code === first?.failure.code
      count++
    },
    count: () => count,
    check: (done, why, fixes = []) => {
      if (count === 0) return
      if (done > 0 || !isOne || !first)
        throw new CommandFailure({ code: 'PartlyDone', ending: done === 0 ? 'failed' : 'partly', why, fixes })
      throw new CommandFailure({ ...first.failure, why: `${why}: ${first.failure.why}` }, first)
    },
  }
}
