import { EXIT } from '../../base/exit-status.ts'
import { writeHelp } from '../../base/write-help.ts'
import { processEnvironment, readConfig } from '../config.ts'
import { examine } from '../doctor/examine.ts'
import { type Finding, finding, type Verdict } from '../doctor/finding.ts'
import { explain } from '../explain.ts'
import { type Streams, usageError } from './command.ts'
import { ownOptions } from './own-options.ts'
import { refused } from './refused.ts'

const HELP = `coffer doctor: looks at a deployment and says what is wrong with it, and how to mend it. It changes nothing without --fix.

Usage: coffer doctor [--fix [--dry-run]] [--json] [settings]
       coffer doctor --online [--json]

Run it as the user of the server, with its settings: it looks at them, at the data directory, its file system and how long that
takes to sync, at the instance key, at certificates and listeners, at limits of the machine, asks the server that has the data
directory, wherever it listens, how it is, and whether the URLs that clients are told reach it and names of buckets as
subdomains have an address.

  --fix      mends what loses nothing: makes a missing data directory, takes from others what they may do with the data directory,
             its files and the instance key, removes drafts that a stopped process left beside their files. Each is named
  --dry-run  with --fix: names them, and changes nothing
  --online   asks the server that coffer's clients call, as they do (coffer help environment), what it can be asked: clock,
             credentials, key services (a probe is wrapped and unwrapped), root keys that are disabled, due or expire, buckets
             that cannot be read, authorizations for nothing, data keys on old versions, uploads left over, damage, backups
  --json     a line of JSON for each finding: check, verdict (ok, warning, problem), message, mend; and for what was mended

Examples:
  coffer doctor
  coffer doctor --fix --dry-run
  coffer doctor --online --json

Exit status: 0 all is well; 3 there are warnings; 1 there is a problem; 2 called wrongly.
Whether what is stored is undamaged: coffer verify.
`
const SIGNS: Readonly<Record<Verdict, string>> = { ok: '✓', warning: '▲', problem: '✕' }

/** What a running server tells. */
export type AskOnline = () => Promise<readonly Finding[]>

/** `coffer doctor`; resolves to the exit status. */
export async function doctorCommand(args: readonly string[], streams: Streams, online: AskOnline): Promise<number> {
  if (args.includes('--help')) {
    writeHelp(HELP, args, streams.out)
    return EXIT.done
  }
  let found: readonly Finding[]
  let isJson = false
  try {
    const { flags, rest } = ownOptions(args, [], ['json', 'fix', 'dry-run', 'online'])
    isJson = flags.has('json')
    if (flags.has('dry-run') && !flags.has('fix')) throw usageError('--dry-run is of --fix')
    if (flags.has('online') && (flags.has('fix') || rest.length > 0))
      throw usageError('--online asks the server that clients call: it takes no settings, and mends nothing')
    found = flags.has('online') ? await online() : await findings(rest)
    if (flags.has('fix') && (await mended(found, flags.has('dry-run'), isJson, streams))) found = await findings(rest)
  } catch (error) {
    return refused(error, { args, streams, status: EXIT.usage })
  }
  for (const { fix, ...each } of found)
    streams.out.write(`${isJson ? JSON.stringify({ ...each, ...(fix ? { fix: fix.command } : {}) }) : said(each)}\n`)
  const has = (verdict: Verdict) => found.some((one) => one.verdict === verdict)
  return has('problem') ? EXIT.failed : has('warning') ? EXIT.partly : EXIT.done
}

/** True when something was changed. */
async function mended(
  found: readonly Finding[],
  isDryRun: boolean,
  isJson: boolean,
  { out }: Streams,
): Promise<boolean> {
  const fixes = found.flatMap(({ fix }) => fix ?? [])
  const tell = (command: string, what: 'mended' | 'would mend' | 'not mended', why?: string): void =>
    void out.write(
      isJson
        ? `${JSON.stringify({ type: 'fix', command, outcome: what, ...(why === undefined ? {} : { why }) })}\n`
        : `${what === 'not mended' ? '✕' : '✓'} ${what}: ${command}${why === undefined ? '' : `: ${why}`}\n`,
    )
  if (fixes.length === 0 && !isJson) out.write('✓ There is nothing that --fix would mend.\n')
  for (const { command, apply } of fixes) {
    if (isDryRun) tell(command, 'would mend')
    else
      await apply().then(
        () => tell(command, 'mended'),
        (error: unknown) => tell(command, 'not mended', explain(error)),
      )
  }
  return fixes.length > 0 && !isDryRun
}

/** Settings that are wrong are the first thing to find. */
async function findings(args: readonly string[]): Promise<readonly Finding[]> {
  const settings = finding('settings')
  let config: ReturnType<typeof readConfig>
  try {
    config = readConfig(args, processEnvironment())
  } catch (error) {
    return [settings.problem(explain(error), 'coffer serve --help lists every setting')]
  }
  return [settings.ok('they can be read'), ...(await examine(config))]
}

const said = ({ check, verdict, message, mend }: Finding): string =>
  `${SIGNS[verdict]} ${check}: ${message}${mend === undefined ? '' : `\n    → ${mend}`}`
