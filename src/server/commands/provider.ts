import { chown, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { EXIT } from '../../base/exit-status.ts'
import { writeHelp } from '../../base/write-help.ts'
import { processEnvironment, readConfig } from '../config.ts'
import { invalidConfig } from '../config-error.ts'
import { PROVIDER_MEMBERS, PROVIDER_TYPES } from '../declared-providers.ts'
import { withoutProvider, withProvider } from '../provider-table.ts'
import { parseCommand, type Streams, usageError } from './command.ts'
import { refused } from './refused.ts'

const HELP = `coffer provider add, rm: key services elsewhere, in the settings of a server.

Usage:
  coffer provider add <type> <name> --config-file <file> [--<member> <value>]… [--dry-run] [--json]
      writes [key-providers.<name>] into the TOML file, if a server would take the settings with it
  coffer provider rm <name> --config-file <file> [--yes | --dry-run] [--json]
      takes it out again. Buckets under its keys cannot be read from the next start on, until it is back

A running server is told nothing: it reads its settings when it starts. Then \`coffer provider ls\` and \`coffer provider test\`
say whether the service answers. The file is COFFER_CONFIG_FILE by default; with variables COFFER_KEY_PROVIDERS_… there is none
to write.

  types:    ${PROVIDER_TYPES.join(', ')}. Vault, AWS KMS, PKCS#11 and others are reached through a service that speaks one of these
  members:  ${PROVIDER_MEMBERS.filter((one) => one !== 'type').join(', ')}

  key-protect, IBM Key Protect or another Coffer, needs
    --url             the service: https, or http with --allow-plain-http
    --api-key-file    the API key of a service ID that may use its root keys; or --api-keys-file, a line for each account with its
                      id and its API key. Both by files alone: a command line is seen by every user of the machine
  and takes, where they differ from the default,
    --iam-url                        the service that gives tokens; by default at --url, for IBM https://iam.cloud.ibm.com
    --ca-file                        authorities that are trusted in place of the system's
    --client-certificate-file, --client-key-file   together, where the service asks its clients for certificates
    --timeout-ms                     for one call with its repeats: 4000
    --instances, --accounts, --regions   whose root keys it serves, where there are several providers

Examples:
  coffer provider add key-protect hq --url https://kms.example:9001 --api-key-file /run/secrets/hq --config-file coffer.toml
  coffer provider rm hq --config-file coffer.toml --dry-run

Exit status: 0 done; 2 called wrongly; 9 a server would not take the settings so; 1 else.
`

const SECRETS = ['api-key', 'api-keys', 'type']
const FLAGS = ['allow-plain-http', 'dry-run', 'json', 'yes']
const OPTIONS = ['config-file', ...PROVIDER_MEMBERS.filter((one) => !SECRETS.includes(one) && !FLAGS.includes(one))]
const LISTS = ['instances', 'accounts', 'regions']

/** `coffer provider add|rm`; resolves to the exit status. */
export async function providerCommand(args: readonly string[], streams: Streams): Promise<number> {
  if (args.includes('--help')) {
    writeHelp(HELP, args, streams.out)
    return EXIT.done
  }
  const [verb, ...rest] = args
  try {
    return await (verb === 'add' ? add(rest, streams) : remove(rest, streams))
  } catch (error) {
    return refused(error, { args, streams })
  }
}

async function add(args: readonly string[], streams: Streams): Promise<number> {
  const { positionals, options, flags } = parseCommand(args, OPTIONS, FLAGS)
  const [type, name, ...more] = positionals
  if (type === undefined || name === undefined || more.length > 0)
    throw usageError('give a type and a name: key-protect hq')
  if (!PROVIDER_TYPES.includes(type))
    throw usageError(
      `there is no key provider of the type ${type}, only ${PROVIDER_TYPES.join(', ')}: any other key service is reached through one that speaks this`,
    )
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name))
    throw usageError(`${name} is no name of a provider: up to 32 lower-case letters, digits and hyphens`)
  const members = Object.entries(options).filter(([member]) => member !== 'config-file')
  const table = {
    type,
    ...Object.fromEntries(members.map(([member, value]) => [member, typed(member, value)])),
    ...(flags.has('allow-plain-http') ? { 'allow-plain-http': true } : {}),
  }
  const file = fileOf(options)
  const before = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  })
  return written(file, withProvider(before, name, table), { name, what: 'added', flags, streams })
}

async function remove(args: readonly string[], streams: Streams): Promise<number> {
  const { positionals, options, flags } = parseCommand(args, ['config-file'], FLAGS)
  const [name, ...more] = positionals
  if (name === undefined || more.length > 0) throw usageError('give the name of the provider')
  const file = fileOf(options)
  const after = withoutProvider(await readFile(file, 'utf8'), name)
  if (!flags.has('yes') && !flags.has('dry-run'))
    throw usageError(
      `from the next start on nothing under keys of ${name} can be read, until it is back: add --yes, or --dry-run`,
    )
  return written(file, after, { name, what: 'removed', flags, streams })
}

function typed(member: string, value: string): string | number | readonly string[] {
  if (LISTS.includes(member)) return value.split(',').map((one) => one.trim())
  return /^\d+$/.test(value) ? Number(value) : value
}

function fileOf(options: Readonly<Record<string, string>>): string {
  const file = options['config-file'] ?? processEnvironment()['COFFER_CONFIG_FILE']
  if (file === undefined) throw usageError('--config-file names the TOML file of the server’s settings')
  return file
}

interface Writing {
  readonly name: string
  readonly what: 'added' | 'removed'
  readonly flags: ReadonlySet<string>
  readonly streams: Streams
}

/** Beside the file first, where a server's own eyes look at it; in its place only when they take it. */
async function written(file: string, text: string, { name, what, flags, streams: { out } }: Writing): Promise<number> {
  const about = await stat(file).catch(() => undefined)
  const draft = `${file}.${process.pid}.new`
  await writeFile(draft, text, { mode: (about?.mode ?? 0o600) & 0o777, flag: 'wx' })
  try {
    if (about) await chown(draft, about.uid, about.gid)
    checked(draft, file)
    if (!flags.has('dry-run')) await rename(draft, file)
  } finally {
    await rm(draft, { force: true })
  }
  const done = { provider: name, file, [what]: !flags.has('dry-run'), restart: !flags.has('dry-run') }
  const said = flags.has('dry-run')
    ? `✓ A server would take ${file} with ${name} ${what}. Nothing was changed.`
    : `✓ ${name} was ${what} ${what === 'added' ? 'to' : 'from'} ${file}. A server heeds it when it is started again.`
  out.write(`${flags.has('json') ? JSON.stringify(done) : said}\n`)
  return EXIT.done
}

/** As `coffer config validate` does. Throws ConfigInvalid, naming the file as it is called. */
function checked(draft: string, file: string): void {
  try {
    readConfig(['--config-file', draft], processEnvironment())
  } catch (error) {
    if (error instanceof Error) throw invalidConfig(error.message.replaceAll(draft, file))
    throw error
  }
}
