import { readFileSync } from 'node:fs'
import { parse as parseToml, TomlError } from 'smol-toml'
import type { CodedError } from '../base/errors.ts'
import { type ConfigErrorCode, invalidConfig } from './config-error.ts'
import {
  declaredProviders,
  type Given,
  isProviderSecret,
  type ProviderMember,
  providerMember,
  providerVariable,
  providerVariableMeant,
} from './declared-providers.ts'
import { readSecret, refuseShared } from './secret-file.ts'
import { settingMeant } from './setting-meant.ts'
import { type Config, environmentName, flagName, SETTINGS, type Setting, type SettingName } from './settings.ts'

const CONFIG_FILE = 'config-file'
const NAMES = Object.keys(SETTINGS).filter((name): name is SettingName => Object.hasOwn(SETTINGS, name))

/** What a config was read from: another thread reads it again, for parts of it are no data. */
export interface ConfigSources {
  readonly flags: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
}

const sources = new WeakMap<Config, ConfigSources>()

export const sourcesOf = (config: Config): ConfigSources => sources.get(config) ?? { flags: [], environment: {} }

/** What the welcome has users set for their clients: a server started from the same shell has them too. */
const CLIENT_VARIABLES: ReadonlySet<string> = new Set([
  'COFFER_CONTROL',
  'COFFER_PROFILE',
  'COFFER_PROGRESS',
  'COFFER_READ_TIMEOUT',
])

/** What one source says: settings by name, and key providers by name and member. */
interface Sources {
  readonly settings: Map<string, Given>
  readonly providers: Map<string, Map<string, Given>>
}

const noSources = (): Sources => ({ settings: new Map(), providers: new Map() })

/**
 * Work of the disk and of cryptography shares one pool of threads, of which Node has four by default: too few to keep a
 * disk busy while reads wait. The pool is made with its first work and has its size for good.
 */
export function sizeThreadPool(): void {
  process.env['UV_THREADPOOL_SIZE'] ??= '16'
}

/** The process's own environment: read here and nowhere else. */
export const processEnvironment = (): Readonly<Record<string, string | undefined>> => process.env

/**
 * Flags win over the environment, the environment over the TOML file, the file over the defaults. A name that is no
 * setting is an error wherever it stands. Throws ConfigInvalid with a message that says how to mend it.
 */
export function readConfig(
  flags: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Config {
  const fromFlags = readFlags(flags)
  const fromEnvironment = readEnvironment(environment)
  const file = fromFlags.get(CONFIG_FILE) ?? fromEnvironment.settings.get(CONFIG_FILE)
  const fromFile = file ? readFile(String(file.value)) : noSources()
  const config: Record<string, unknown> = {}
  for (const name of NAMES) {
    const given = fromFlags.get(name) ?? fromEnvironment.settings.get(name) ?? fromFile.settings.get(name)
    config[name] = resolve(SETTINGS[name], given)
  }
  config['key-providers'] = declaredProviders(merged(fromFile.providers, fromEnvironment.providers))
  if (config['instance-key-file'] !== undefined && config['instance-passphrase'] !== undefined) {
    throw invalidConfig('COFFER_INSTANCE_KEY_FILE and COFFER_INSTANCE_PASSPHRASE exclude each other: give one of them')
  }
  const whole = Object.freeze(config) as Config
  sources.set(whole, { flags, environment })
  if (whole.only === 's3') checkObjectsHalf(whole)
  checkTls(whole)
  checkAuditBounds(whole)
  checkDomains(whole)
  checkConsoleSignIn(whole)
  checkReplication(whole)
  checkNotifications(whole)
  return whole
}

function checkTls(config: Config): void {
  if (config['control.client-ca-file'] !== undefined && config['tls.certificate-file'] === undefined) {
    throw invalidConfig('COFFER_CONTROL_CLIENT_CA_FILE needs TLS: give COFFER_TLS_CERTIFICATE_FILE and its key')
  }
  if ((config['tls.certificate-file'] === undefined) === (config['tls.key-file'] === undefined)) return
  throw invalidConfig('COFFER_TLS_CERTIFICATE_FILE and COFFER_TLS_KEY_FILE belong together: give both or none')
}

function checkNotifications(config: Config): void {
  const subjects = new Set(config['s3.nats-targets'].map(({ name }) => name))
  const both = config['s3.webhooks'].find(({ name }) => subjects.has(name))
  if (both === undefined) return
  throw invalidConfig(
    `COFFER_S3_WEBHOOKS and COFFER_S3_NATS_TARGETS both have ${both.name}: give each a name of its own`,
  )
}

function checkReplication(config: Config): void {
  const without = config['s3.replication-targets'].find(({ name }) => !config['s3.replication-credentials']?.has(name))
  if (without === undefined) return
  throw invalidConfig(
    `the replication target ${without.name} has no credentials: give ${without.name}=<access key id>:<secret access key> in the file that COFFER_S3_REPLICATION_CREDENTIALS_FILE names`,
  )
}

function checkConsoleSignIn(config: Config): void {
  const issuer = config['console-oidc.issuer']
  if (issuer === undefined) {
    if (config['console-oidc.client-id'] === undefined) return
    throw invalidConfig('COFFER_CONSOLE_OIDC_CLIENT_ID needs COFFER_CONSOLE_OIDC_ISSUER, the identity provider')
  }
  for (const name of ['console-oidc.client-id', 'control.public-url'] as const) {
    if (config[name] === undefined) {
      throw invalidConfig(`COFFER_CONSOLE_OIDC_ISSUER needs ${environmentName(name)}, ${SETTINGS[name].help}`)
    }
  }
  if (issuer.startsWith('https:') || config['iam.oidc-http-issuers'].includes(issuer)) return
  throw invalidConfig(
    `COFFER_CONSOLE_OIDC_ISSUER is asked without TLS: use https, or name ${issuer} in COFFER_IAM_OIDC_HTTP_ISSUERS, too`,
  )
}

/** A host is either a bucket's or its website's. */
function checkDomains(config: Config): void {
  const both = config['s3.website-domain'].find((name) => config['s3.domain'].includes(name))
  if (both === undefined) return
  throw invalidConfig(`COFFER_S3_DOMAIN and COFFER_S3_WEBSITE_DOMAIN both have ${both}: it can be only one of them`)
}

function checkAuditBounds(config: Config): void {
  if (config['audit.max-bytes'] >= 2 * config['audit.file-bytes']) return
  throw invalidConfig(
    'COFFER_AUDIT_MAX_BYTES is less than twice COFFER_AUDIT_FILE_BYTES: whole files are removed, and one is always kept. Raise the first or lower the second',
  )
}

/** Without keys of its own it needs somebody else's. */
function checkObjectsHalf(config: Config): void {
  if (config['key-providers'].length === 0) {
    throw invalidConfig('--only s3 has no keys of its own: declare a key provider, see coffer serve --help')
  }
  if (config['s3.service-root-key'] === undefined) {
    throw invalidConfig(
      '--only s3 needs COFFER_S3_SERVICE_ROOT_KEY: the CRN of the root key for buckets that name none',
    )
  }
}

/** Member by member: what `over` says wins. */
function merged(under: Sources['providers'], over: Sources['providers']): Sources['providers'] {
  const all = new Map([...under].map(([name, members]) => [name, new Map(members)]))
  for (const [name, members] of over) {
    for (const [member, given] of members) putMember(all, { provider: name, member }, given)
  }
  return all
}

function putMember(providers: Sources['providers'], { provider, member }: ProviderMember, given: Given): void {
  const members = providers.get(provider) ?? new Map<string, Given>()
  providers.set(provider, members.set(member, given))
}

function resolve(setting: Setting, source: Given | undefined): unknown {
  if (!source) return setting.default
  const parsed = setting.schema.safeParse(source.value)
  if (parsed.success) return parsed.data
  const shown = setting.secret ? '[secret]' : JSON.stringify(source.value)
  throw invalidConfig(
    `${source.from} is ${shown}: ${parsed.error.issues.map((issue) => issue.message).join('; ')}. It is the ${setting.help}.`,
  )
}

function readFlags(flags: readonly string[]): Map<string, Given> {
  const found = new Map<string, Given>()
  const known = new Map([...NAMES, CONFIG_FILE].map((name) => [flagName(name), name]))
  for (let at = 0; at < flags.length; at++) {
    const flag = flags[at] ?? ''
    const equals = flag.indexOf('=')
    const spelled = equals < 0 ? flag : flag.slice(0, equals)
    const name = known.get(spelled)
    if (!name) throw unknown(spelled, [...known.keys()])
    const value = equals < 0 ? flags[++at] : flag.slice(equals + 1)
    // A command line is visible to every user of the machine.
    if (isSecret(name))
      throw invalidConfig(
        `${spelled} is a secret and not taken from the command line: use ${environmentName(name)}_FILE`,
      )
    if (value === undefined || (equals < 0 && value.startsWith('--'))) {
      throw invalidConfig(`${spelled} needs a value: ${spelled}=…`)
    }
    found.set(name, { value, from: spelled })
  }
  return found
}

function readEnvironment(environment: Readonly<Record<string, string | undefined>>): Sources {
  const found = noSources()
  const known = new Map([...NAMES, CONFIG_FILE].map((name) => [environmentName(name), name]))
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('COFFER_') || value === undefined || CLIENT_VARIABLES.has(variable)) continue
    const name = known.get(variable)
    const ofProvider = providerVariable(variable)
    if (name) found.settings.set(name, { value, from: variable })
    if (ofProvider) putMember(found.providers, ofProvider, { value, from: variable })
    if (name || ofProvider) continue
    const ofFile = variable.endsWith('_FILE') ? known.get(variable.slice(0, -'_FILE'.length)) : undefined
    if (!ofFile || !isSecret(ofFile)) throw unknownVariable(variable, known)
    const plain = variable.slice(0, -'_FILE'.length)
    if (environment[plain] !== undefined)
      throw invalidConfig(`${plain} and ${variable} exclude each other: give one of them`)
    found.settings.set(ofFile, { value: readSecret(variable, value), from: variable })
  }
  return found
}

/** What may be meant besides a setting: the file of a secret, what a client takes. */
function unknownVariable(variable: string, known: ReadonlyMap<string, string>): CodedError<ConfigErrorCode> {
  const files = [...known].filter(([, name]) => isSecret(name)).map(([one]) => `${one}_FILE`)
  return unknown(variable, [...known.keys(), ...files, ...CLIENT_VARIABLES])
}

const isSecret = (name: string): boolean => {
  const settings: Readonly<Record<string, Setting>> = SETTINGS
  return settings[name]?.secret === true
}

function readFile(path: string): Sources {
  const document = readToml(path)
  const found = noSources()
  collect(document, '', (name, value) => {
    const from = `${name} in ${path}`
    const ofProvider = providerMember(name)
    if (!ofProvider && !Object.hasOwn(SETTINGS, name)) throw unknown(from, NAMES)
    if (ofProvider ? isProviderSecret(ofProvider.member) : isSecret(name)) refuseShared(from, path)
    if (ofProvider) putMember(found.providers, ofProvider, { value, from })
    else found.settings.set(name, { value, from })
  })
  return found
}

function readToml(path: string): unknown {
  try {
    return parseToml(readFileSync(path, 'utf8'))
  } catch (error) {
    // TOML's own messages quote the file, which may hold a secret.
    if (error instanceof TomlError)
      throw invalidConfig(
        `${path} is not TOML at line ${error.line}, column ${error.column}: for example [s3] on a line of its own, then listen = "127.0.0.1:9000"`,
      )
    throw invalidConfig(`${path} cannot be read (${error instanceof Error ? error.message : ''})`, error)
  }
}

function collect(node: unknown, prefix: string, leaf: (name: string, value: unknown) => void): void {
  if (typeof node !== 'object' || node === null || Array.isArray(node) || node instanceof Date) {
    leaf(prefix, node)
    return
  }
  for (const [name, value] of Object.entries(node)) collect(value, prefix ? `${prefix}.${name}` : name, leaf)
}

function unknown(name: string, known: readonly string[]): CodedError<ConfigErrorCode> {
  const [word = name] = name.split(' ', 1)
  const meant = providerVariableMeant(word) ?? settingMeant(word, known)
  const hint = meant === undefined ? ' See coffer serve --help for all settings.' : ` Did you mean ${meant}?`
  return invalidConfig(`${name} is not a setting.${hint}`)
}
