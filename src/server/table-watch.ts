import { bytePace } from '../objects/verify/byte-pace.ts'
import { type Finding, identityOf } from '../objects/verify/finding.ts'
import { type OpenTables, verifyTables } from '../objects/verify/verify-tables.ts'

export interface TableWatchOptions {
  readonly stores: OpenTables
  readonly intervalMs: number
  readonly mibPerSecond: number
  readonly onFinding: (finding: Finding) => void
  readonly onError: (error: unknown) => void
}

export interface TableWatch extends AsyncDisposable {
  /** For who asks whether all is well. What was damaged is told until the process ends, also when its table is merged by then. */
  readonly problems: () => readonly string[]
}

/** Reads the tables of a process that has no objects now and then: of one that has, the scrub does. */
export function watchTables(options: TableWatchOptions): TableWatch {
  const { stores, intervalMs, mibPerSecond, onFinding, onError } = options
  const stop = new AbortController()
  const pace = bytePace(mibPerSecond, stop.signal)
  const known = new Map<string, Finding>()
  let reading: Promise<void> | undefined
  const found = (finding: Finding): void => {
    const name = identityOf(finding)
    if (known.has(name)) return
    known.set(name, finding)
    onFinding(finding)
  }
  const timer = setInterval(() => {
    reading ??= verifyTables(stores, pace.take, found)
      .catch((error: unknown) => {
        if (!stop.signal.aborted) onError(error)
      })
      .finally(() => {
        reading = undefined
      })
  }, intervalMs)
  timer.unref()
  return {
    problems: () => (known.size > 0 ? [`damaged tables of metadata stores: ${filesOf(known.values())}`] : []),
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      stop.abort()
      await reading
    },
  }
}

const filesOf = (findings: Iterable<Finding>): string => Array.from(findings, ({ file }) => file).join(', ')
