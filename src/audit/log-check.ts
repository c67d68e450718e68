import type { PublicKeys } from './keys.ts'
import type { LogFiles } from './log-files.ts'
import { surveyLog } from './verify.ts'

/**
 * Who removes files signs that they were of this log. What earlier runs left is therefore verified before the first is
 * removed, sizes and all: once, beside what is written meanwhile. What this run wrote needs no proof.
 */
export interface LogCheck {
  /** May files be removed? If that is not known yet, a check begins. */
  readonly passed: () => boolean
  /** Gives up a check that is under way. */
  readonly close: () => Promise<void>
}

export interface LogCheckOptions {
  readonly directory: string
  readonly files: LogFiles
  readonly keys: PublicKeys
  readonly onTrouble: (message: string) => void
}

export function logCheck({ directory, files, keys, onTrouble }: LogCheckOptions): LogCheck {
  const stop = new AbortController()
  let running: Promise<void> | undefined
  let problem: string | undefined
  let toldIn: number | undefined

  const problemOf = async (): Promise<string | undefined> => {
    const { report, found } = await surveyLog({ source: { type: 'directory', path: directory }, keys }, stop.signal)
    if (report.first) return `${report.first.file}, line ${report.first.line}: ${report.first.problem}`
    return files.learn(found) ? undefined : 'files of it are gone'
  }

  /** Again with every file, for as long as the log outgrows its bound. */
  const tell = (): void => {
    if (problem === undefined || toldIn === files.last()?.number) return
    toldIn = files.last()?.number
    onTrouble(
      `THE AUDIT LOG DOES NOT VERIFY, so none of its files is removed, and it outgrows its bound: ${problem}. Keep the directory as evidence: move it elsewhere while the server is stopped, and a new log begins`,
    )
  }

  const check = async (): Promise<void> => {
    try {
      problem = await problemOf()
    } catch (error) {
      if (stop.signal.aborted) return
      problem = error instanceof Error ? error.message : 'it cannot be read'
    }
    tell()
  }

  return {
    passed: () => {
      if (files.known()) return true
      running ??= check()
      tell()
      return false
    },
    close: async () => {
      stop.abort()
      await running
    },
  }
}
