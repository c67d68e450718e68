import { EXIT } from '../../base/exit-status.ts'
import { writeHelp } from '../../base/write-help.ts'
import { type Streams, usageError } from './command.ts'
import { refused } from './refused.ts'

/** The help of a command that was asked for it, or else called in a way that does not say what to do. The exit status. */
export function helpOrUsage(help: string, asked: boolean, args: readonly string[], streams: Streams): number {
  if (asked) {
    writeHelp(help, args, streams.out)
    return EXIT.done
  }
  if (args.includes('--json'))
    return refused(usageError('say what to do: --help tells what there is'), { args, streams })
  streams.err.write(help)
  return EXIT.usage
}
