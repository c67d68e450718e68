import { hasCode } from '../../base/errors.ts'
import { EXIT } from '../../base/exit-status.ts'
import { writeHelp } from '../../base/write-help.ts'
import { processEnvironment, readConfig } from '../config.ts'
import { type Loss, type SalvageReport, salvage } from '../salvage/salvage.ts'
import { type Streams, usageError } from './command.ts'
import { findingsReport } from './findings-report.ts'
import { ownOptions } from './own-options.ts'
import { refused } from './refused.ts'

const HELP = `coffer salvage: makes a new data directory of what can be read of a damaged one, and says exactly what could not.

Usage:
  coffer salvage --to <directory> [--keep-doubtful] [--json] [settings]
      Reads the tables and logs of the metadata stores row by row, whatever LevelDB says of them; writes anew what follows from
      other rows (owners of bytes, histories, counters); links or copies the stored bytes. Nothing of the damaged directory is changed.
      The bytes of an object cannot be opened without its row, which has its name and its wrapped key: an object whose row is lost
      is lost. Where a newer state of a row may be lost the older one is kept, and told of; of rights and root keys, and of
      documents that say who may come in, it is left out.
  --to             not there yet, or empty
  --keep-doubtful  keeps older states of rights, root keys and documents, too: what was taken away may be back
  --json           findings and losses as lines of JSON on standard output, the last line a summary
Settings as of the server. A restore from a backup is better than this, where there is one. Afterwards: coffer verify --data-dir <directory>
--instance-key-file <key>, and a server with these settings. Directories of storage classes stay where they are, and the new one goes on using them.

Exit status: 0 nothing was lost; 3 something was, see the findings; 2 it could not be done; 9 a setting is not valid;
10 there is no store; 11 a server uses it; 12 the wrong instance key.

Example:
  coffer salvage --to /var/lib/coffer-new --data-dir /var/lib/coffer --instance-key-file /etc/coffer.key
`

/** `coffer salvage`; resolves to the exit status. */
export async function salvageCommand(args: readonly string[], streams: Streams): Promise<number> {
  if (args.includes('--help')) {
    writeHelp(HELP, args, streams.out)
    return EXIT.done
  }
  try {
    return await run(args, streams)
  } catch (error) {
    const hint = hasCode(error, 'StoreLocked') ? 'Stop the server first.' : undefined
    return refused(error, { args, streams, status: EXIT.usage, hint })
  }
}

async function run(args: readonly string[], streams: Streams): Promise<number> {
  const { options, flags, rest } = ownOptions(args, ['to'], ['json', 'keep-doubtful'])
  const { to } = options
  if (to === undefined) throw usageError('--to names the directory that is made')
  const json = flags.has('json')
  const report = findingsReport(streams, json)
  let losses = 0
  const done = await salvage({
    config: readConfig(rest, processEnvironment()),
    to,
    keepDoubtful: flags.has('keep-doubtful'),
    signal: new AbortController().signal,
    onFinding: report.found,
    onLoss: (loss) => {
      losses++
      streams.out.write(json ? `${JSON.stringify({ type: 'loss', loss: loss.type, ...told(loss) })}\n` : inWords(loss))
    },
    onProgress: report.progress,
  })
  const findings = report.end({ complete: true, losses, ...summary(done) })
  return findings + losses === 0 ? EXIT.done : EXIT.partly
}

const told = ({ store, file, what }: Loss): object => ({ store, ...(file === undefined ? {} : { file }), what })

function inWords({ store, type, file, what }: Loss): string {
  const where = file === undefined ? `${store}/` : `${store}/${file}`
  return `✕ ${type === 'left-out' ? 'left out' : type === 'row' ? 'doubtful' : 'lost'}: ${where}\n  ${what}\n`
}

const summary = ({ stores, repaired, blobs: { linked, copied } }: SalvageReport): object => ({
  stores,
  ...(repaired ? { repaired } : {}),
  blobFiles: { linked, copied },
})
