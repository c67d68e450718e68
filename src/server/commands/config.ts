import { stringify } from 'smol-toml'
import { CodedError } from '../../base/errors.ts'
import { EXIT } from '../../base/exit-status.ts'
import { processEnvironment, readConfig } from '../config.ts'
import { PROVIDER_MEMBERS } from '../declared-providers.ts'
import { settingMeant } from '../setting-meant.ts'
import { environmentName, flagName, SETTINGS, type Setting } from '../settings.ts'
import { parseCommand, type Streams, usageError } from './command.ts'
import { helpOrUsage } from './help-or-usage.ts'
import { ownOptions } from './own-options.ts'
import { refused } from './refused.ts'

const HELP = `coffer config: the settings of a server: what they are, where each comes from, whether they are valid.

Usage:
  coffer config show [--json] [settings]       what each setting is, and where it comes from; secrets are not shown
  coffer config explain <setting> [--json]     what a setting is for, its default, its flag and its variable
  coffer config validate [--json] [settings]   whether a server would take them; starts nothing
  coffer config example [--json]               a TOML file with every setting and its default, all commented out

Settings come from flags, variables COFFER_… and a file (--config-file, COFFER_CONFIG_FILE), and count in this order.

Examples:
  coffer config explain s3.listen
  coffer config validate --config-file /etc/coffer/coffer.toml
  coffer config example > coffer.toml

Exit status: 0 done, or valid; 2 called wrongly; 4 there is no such setting; 9 not valid.
`

const ALL: Readonly<Record<string, Setting>> = SETTINGS

/** `coffer config …`; resolves to the exit status. */
export async function configCommand(args: readonly string[], streams: Streams): Promise<number> {
  const [name = '', ...rest] = args
  const run = Object.entries({ show, explain: explainOne, validate, example }).find(([known]) => known === name)?.[1]
  if (!run || rest.includes('--help')) {
    return helpOrUsage(HELP, rest.includes('--help') || name === '--help', args, streams)
  }
  try {
    return run(rest, streams)
  } catch (error) {
    return refused(error, { args, streams })
  }
}

type Told = Readonly<Record<string, string | number | boolean | readonly unknown[]>>

/** As it would be written in a file. */
function plain(value: unknown): string | number | boolean | readonly unknown[] {
  if (typeof value === 'object' && value !== null && 'host' in value && 'port' in value)
    return `${value.host}:${value.port}`
  if (Array.isArray(value)) return value.map(shortly)
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : String(value)
}

const shortly = (one: unknown): unknown => (typeof one === 'object' && one !== null && 'name' in one ? one.name : one)

function show(args: readonly string[], { out }: Streams): number {
  const { flags, rest } = ownOptions(args, [], ['json'])
  const environment = processEnvironment()
  const config = readConfig(rest, environment)
  const defaults = readConfig([], {})
  const rows = Object.entries(ALL).map(([name, setting]) => {
    const value = Object.entries(config).find(([known]) => known === name)?.[1]
    const isDefault =
      JSON.stringify(value) === JSON.stringify(Object.entries(defaults).find(([known]) => known === name)?.[1])
    const source = rest.some((word) => word === flagName(name) || word.startsWith(`${flagName(name)}=`))
      ? flagName(name)
      : [environmentName(name), `${environmentName(name)}_FILE`].find((variable) => environment[variable] !== undefined)
    return {
      name,
      value: value === undefined ? undefined : setting.secret ? '(secret)' : plain(value),
      from: source ?? (isDefault ? 'default' : 'file'),
    }
  })
  const providers = config['key-providers'].map(({ name }) => name)
  if (flags.has('json')) {
    out.write(`${JSON.stringify({ settings: rows, keyProviders: providers })}\n`)
    return EXIT.done
  }
  const width = Math.max(...rows.map(({ name }) => name.length))
  for (const { name, value, from } of rows) {
    out.write(
      `${name.padEnd(width)}  ${value === undefined ? '–' : String(value)}${from === 'default' ? '' : `  (${from})`}\n`,
    )
  }
  if (providers.length > 0) out.write(`key-providers: ${providers.join(', ')}\n`)
  return EXIT.done
}

function explainOne(args: readonly string[], streams: Streams): number {
  const { out } = streams
  // A flag is what is asked for here, and not given.
  const words = args.map((arg) => (arg === '--json' ? arg : arg.replace(/^--(?=.)/, '')))
  const { positionals, flags } = parseCommand(words, [], ['json'])
  const [asked, ...more] = positionals
  if (asked === undefined || more.length > 0)
    throw usageError('name one setting, as s3.listen, --s3-listen or COFFER_S3_LISTEN')
  if (asked === 'key-providers') {
    const help =
      'key services elsewhere, in tables [key-providers.<name>] of the file, or variables COFFER_KEY_PROVIDERS_<NAME>_<MEMBER>.'
    out.write(
      flags.has('json')
        ? `${JSON.stringify({ name: asked, help, members: PROVIDER_MEMBERS })}\n`
        : `key-providers: ${help}\n  members: ${PROVIDER_MEMBERS.join(', ')}\n`,
    )
    return EXIT.done
  }
  const spellings = (name: string): string[] => [name, flagName(name).slice(2), environmentName(name)]
  const found = Object.entries(ALL).find(([name]) => spellings(name).includes(asked))
  if (!found) {
    const spelledSo = asked.includes('.') ? 0 : asked === asked.toUpperCase() ? 2 : 1
    const meant = settingMeant(
      asked,
      Object.keys(ALL).map((name) => spellings(name)[spelledSo] ?? name),
    )
    const hint = meant === undefined ? 'coffer config show lists them all.' : `Did you mean ${meant}?`
    const error = new CodedError('NoSuchSetting', `${asked} is not a setting. ${hint}`)
    return refused(error, { args, streams, status: EXIT.notFound })
  }
  const [name, setting] = found
  const told: Told = {
    name,
    help: setting.help,
    ...(setting.default === undefined ? {} : { default: plain(setting.default) }),
    ...(setting.secret ? {} : { flag: flagName(name) }),
    variable: environmentName(name),
    ...(setting.secret ? { variableOfFile: `${environmentName(name)}_FILE` } : {}),
    file: tomlPlace(name),
  }
  if (flags.has('json')) out.write(`${JSON.stringify(told)}\n`)
  else {
    out.write(`${name}: ${setting.help}\n`)
    for (const [member, value] of Object.entries(told).slice(2)) out.write(`  ${member.padEnd(9)} ${String(value)}\n`)
  }
  return EXIT.done
}

const tomlPlace = (name: string): string => {
  const [table, ...rest] = name.split('.')
  return rest.length === 0 ? name : `[${table}] ${rest.join('.')}`
}

function validate(args: readonly string[], { out }: Streams): number {
  const { flags, rest } = ownOptions(args, [], ['json'])
  readConfig(rest, processEnvironment())
  out.write(flags.has('json') ? `${JSON.stringify({ valid: true })}\n` : '✓ A server would take these settings.\n')
  return EXIT.done
}

function example(args: readonly string[], { out }: Streams): number {
  const { flags } = parseCommand(args, [], ['json'])
  const text = exampleText()
  out.write(flags.has('json') ? `${JSON.stringify({ toml: text })}\n` : text)
  return EXIT.done
}

function exampleText(): string {
  const tables = Map.groupBy(Object.entries(ALL), ([name]) => (name.includes('.') ? (name.split('.')[0] ?? '') : ''))
  const lines = ['# Settings of Coffer. What is commented out is as it is by default.\n']
  for (const [table, settings] of tables) {
    if (table !== '') lines.push(`\n[${table}]\n`)
    for (const [name, setting] of settings) {
      const key = table === '' ? name : name.slice(table.length + 1)
      const value =
        setting.default === undefined
          ? '""'
          : stringify({ value: plain(setting.default) })
              .trim()
              .slice('value = '.length)
      lines.push(`# ${setting.help}\n# ${key} = ${value}\n`)
    }
  }
  return lines.join('')
}
