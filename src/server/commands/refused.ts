import { hasCode } from '../../base/errors.ts'
import { EXIT } from '../../base/exit-status.ts'
import { hasErrno } from '../../storage/errno.ts'
import { exitCode, explain } from '../explain.ts'
import type { Streams } from './command.ts'

interface Refused {
  readonly args: readonly string[]
  readonly streams: Streams
  /** Of an error that has no number of its own, which is the same whatever the command. Default: notFound or failed. */
  readonly status?: number
  /** What to do about it. */
  readonly hint?: string | undefined
}

/** Says why a command did nothing, with --json as the last line of its answer, too. The exit status. */
export function refused(error: unknown, { args, streams, status, hint }: Refused): number {
  const known = exitCode(error)
  const own = known === EXIT.failed ? (status ?? (hasErrno(error, 'ENOENT') ? EXIT.notFound : EXIT.failed)) : known
  if (args.includes('--json')) {
    const message = error instanceof Error ? error.message : String(error)
    const code = hasCode(error) ? error.code : 'Failed'
    const fixes = hint === undefined ? {} : { fixes: [hint] }
    streams.out.write(`${JSON.stringify({ type: 'error', code, exit: own, message, ...fixes })}\n`)
  }
  streams.err.write(`✕ ${explain(error)}\n${hint === undefined ? '' : `  ${hint}\n`}`)
  return own
}
