import { processEnvironment, readConfig } from '../config.ts'
import { examine } from '../doctor/examine.ts'
import { type Finding, finding, type Verdict } from '../doctor/finding.ts'
import { explain } from '../explain.ts'
import { COMMAND_EXIT, type Streams } from './command.ts'
import { ownOptions } from './own-options.ts'

const HELP = `coffer doctor: looks at a deployment and says what is wrong with it, and how to mend it. It changes nothing.

Usage: coffer doctor [--json] [settings]

Run it as the user of the server, with its settings: it looks at them, at the data directory and its file system, at the instance
key, at certificates and listeners, at limits of the machine, and asks a running server how it is.

  --json   a line of JSON for each finding: check, verdict (ok, warning, problem), message, mend

Exit status: 0 no problem (there may be warnings); 1 there is one; 2 called wrongly.
Whether what is stored is undamaged: coffer verify.
`
const SIGNS: Readonly<Record<Verdict, string>> = { ok: '✓', warning: '!', problem: '✕' }

/** `coffer doctor`; resolves to the exit status. */
export async function doctorCommand(args: readonly string[], streams: Streams): Promise<number> {
  if (args.includes('--help')) {
    streams.out.write(HELP)
    return COMMAND_EXIT.done
  }
  let found: readonly Finding[]
  let isJson = false
  try {
    const { flags, rest } = ownOptions(args, [], ['json'])
    isJson = flags.has('json')
    found = await findings(rest)
  } catch (error) {
    streams.err.write(`✕ ${explain(error)}\n`)
    return COMMAND_EXIT.usage
  }
  for (const each of found) streams.out.write(`${isJson ? JSON.stringify(each) : said(each)}\n`)
  return found.some(({ verdict }) => verdict === 'problem') ? COMMAND_EXIT.failed : COMMAND_EXIT.done
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
