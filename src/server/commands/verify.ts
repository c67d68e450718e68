import { systemClock } from '../../base/clock.ts'
import { hasCode } from '../../base/errors.ts'
import { EXIT } from '../../base/exit-status.ts'
import { writeHelp } from '../../base/write-help.ts'
import { createLogger } from '../../observe/logger.ts'
import { processEnvironment, readConfig } from '../config.ts'
import { verifyKeyless } from '../verify/verify-keyless.ts'
import { verifyOffline } from '../verify/verify-offline.ts'
import { type Streams, usageError } from './command.ts'
import { type FindingsReport, findingsReport } from './findings-report.ts'
import { ownOptions } from './own-options.ts'
import { refused } from './refused.ts'

const HELP = `coffer verify: looks for damage in the data directory of a stopped server. It changes nothing.

Usage:
  coffer verify [--json] [--mib-per-second <n>] [--state <file>] [--checksums] [settings]
      With the instance key: the files of the metadata stores, every row, every key, every manifest, and every segment of every
      object version and of every part of an upload against its tag; checksums of whole contents, where they are CRCs; and
      whether rows, owners of bytes, histories and counters agree. What lies under a root key that may not be used now, or
      under a customer's own key, is counted as not openable, and is looked at as far as that goes without its key.
  coffer verify --without-keys [--json] [--mib-per-second <n>] [settings]
      Without any key: the checksums of the metadata stores; that all bytes that rows keep are there, begin as they should
      and have a length that they can have. It cannot tell whether ciphertext was changed: only its tags can.

  coffer verify <bucket>[/<prefix>] [--checksums] [--stop] [--json]
      Of a running server, by HTTP: has it look through that bucket or prefix, waits, and lists what is damaged there.

  --checksums        also those that take long: MD5 (the ETag of what was put in one piece) and SHA
  --json             findings as lines of JSON on standard output, the last line a summary
  --mib-per-second   reads no more than that of contents
  --state            notes every few seconds how far it has come; a later call with the same file goes on from there
Settings as of the server: --data-dir, --instance-key-file, --storage-classes …  A server that runs must be stopped, or looks
for damage by itself: coffer scrub status.

Exit status: 0 nothing is wrong; 7 something is, see the findings; 2 it could not be looked at, or not to the end;
3 of a bucket: not all could be opened, for its root key may not be used;
9 a setting is not valid; 10 there is no store; 11 a server uses it; 12 the wrong instance key.

Examples:
  coffer verify --data-dir /var/lib/coffer --instance-key-file /etc/coffer.key
  coffer verify --without-keys --data-dir /var/lib/coffer --json
`

/** `coffer verify`; resolves to the exit status. */
export async function verifyCommand(args: readonly string[], streams: Streams): Promise<number> {
  if (args.includes('--help')) {
    writeHelp(HELP, args, streams.out)
    return EXIT.done
  }
  try {
    return await verify(args, streams)
  } catch (error) {
    const hint = hasCode(error, 'StoreLocked') ? RUNNING : undefined
    return refused(error, { args, streams, status: EXIT.usage, hint })
  }
}

const RUNNING =
  'A running server verifies what it stores by itself: coffer scrub findings tells what it found, and coffer verify BUCKET has it look now. Or stop it first.'

async function verify(args: readonly string[], streams: Streams): Promise<number> {
  const { options, flags, rest } = ownOptions(args, ['mib-per-second', 'state'], ['json', 'without-keys', 'checksums'])
  const mibPerSecond = rateOf(options['mib-per-second'])
  const config = readConfig(rest, processEnvironment())
  const report = findingsReport(streams, flags.has('json'))
  const stop = stopOnSignal()
  const common = { config, mibPerSecond, signal: stop.signal, onFinding: report.found }
  try {
    if (flags.has('without-keys')) {
      if (options['state'] !== undefined) throw usageError('--state is for a verification with keys')
      const { complete, unopened, ...counts } = await verifyKeyless({
        ...common,
        onProgress: ({ blobs, bytesRead }) => report.progress(`${blobs} blobs, ${mib(bytesRead)} MiB read`),
      })
      return ended(report, complete, { mode: 'without-keys', ...counts, unopened })
    }
    const { complete, resumed, counts, bytesRead, orphans, unopened } = await verifyOffline({
      ...common,
      log: createLogger('silent'),
      clock: systemClock,
      checksums: flags.has('checksums'),
      stateFile: options['state'],
      onProgress: ({ phase, counts: now, bytesRead: read }) =>
        report.progress(`${phase}: ${now.objects} versions, ${now.uploads} uploads, ${mib(read)} MiB read`),
    })
    const { closed, ...figures } = counts
    const told = { mode: 'with-keys', resumed, ...figures, bytesRead, notOpenable: closed, orphans, unopened }
    return ended(report, complete, told)
  } finally {
    stop.end()
  }
}

function ended(report: FindingsReport, complete: boolean, summary: object): number {
  const findings = report.end({ complete, ...summary })
  if (!complete) return EXIT.usage
  return findings === 0 ? EXIT.done : EXIT.damage
}

const mib = (bytes: number): string => (bytes / 1024 ** 2).toFixed(1)

function rateOf(text: string | undefined): number {
  if (text === undefined) return 0
  const rate = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || rate <= 0) throw usageError('--mib-per-second takes a number above 0')
  return rate
}

/** What is under way ends at the next row, and is noted in the state file. */
function stopOnSignal() {
  const abort = new AbortController()
  const stop = (): void => abort.abort()
  process.once('SIGINT', stop).once('SIGTERM', stop)
  return {
    signal: abort.signal,
    end: () => void process.off('SIGINT', stop).off('SIGTERM', stop),
  }
}
