import { readFileSync, statSync } from 'node:fs'
import { parse as parseToml, TomlError } from 'smol-toml'
import { CodedError } from '../base/errors.ts'
import { type Config, environmentName, flagName, SETTINGS, type Setting, type SettingName } from './settings.ts'

export type ConfigErrorCode = 'ConfigInvalid'

export const invalidConfig = (message: string, cause?: unknown): CodedError<ConfigErrorCode> =>
  new CodedError('ConfigInvalid', message, { cause })

const CONFIG_FILE = 'config-file'
const NAMES = Object.keys(SETTINGS).filter((name): name is SettingName => Object.hasOwn(SETTINGS, name))

/** What the welcome has users set for their clients: a server started from the same shell has them too. */
const CLIENT_VARIABLES: ReadonlySet<string> = new Set(['COFFER_CONTROL'])

interface Source {
  readonly value: unknown
  /** For messages: which flag, variable or line of the file. */
  readonly from: string
}

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
  const file = fromFlags.get(CONFIG_FILE) ?? fromEnvironment.get(CONFIG_FILE)
  const fromFile = file ? readFile(String(file.value)) : new Map<string, Source>()
  const config: Record<string, unknown> = {}
  for (const name of NAMES) {
    config[name] = resolve(SETTINGS[name], fromFlags.get(name) ?? fromEnvironment.get(name) ?? fromFile.get(name))
  }
  if (config['instance-key-file'] !== undefined && config['instance-passphrase'] !== undefined) {
    throw invalidConfig('COFFER_INSTANCE_KEY_FILE and COFFER_INSTANCE_PASSPHRASE exclude each other: give one of them')
  }
  return Object.freeze(config) as Config
}

function resolve(setting: Setting, source: Source | undefined): unknown {
  if (!source) return setting.default
  const parsed = setting.schema.safeParse(source.value)
  if (parsed.success) return parsed.data
  const shown = setting.secret ? '[secret]' : JSON.stringify(source.value)
  throw invalidConfig(
    `${source.from} is ${shown}: ${parsed.error.issues.map((issue) => issue.message).join('; ')}. It is the ${setting.help}.`,
  )
}

function readFlags(flags: readonly string[]): Map<string, Source> {
  const found = new Map<string, Source>()
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

function readEnvironment(environment: Readonly<Record<string, string | undefined>>): Map<string, Source> {
  const found = new Map<string, Source>()
  const known = new Map([...NAMES, CONFIG_FILE].map((name) => [environmentName(name), name]))
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('COFFER_') || value === undefined || CLIENT_VARIABLES.has(variable)) continue
    const name = known.get(variable)
    if (name) {
      found.set(name, { value, from: variable })
      continue
    }
    const ofFile = variable.endsWith('_FILE') ? known.get(variable.slice(0, -'_FILE'.length)) : undefined
    if (!ofFile || !isSecret(ofFile)) throw unknown(variable, [...known.keys()])
    const plain = variable.slice(0, -'_FILE'.length)
    if (environment[plain] !== undefined)
      throw invalidConfig(`${plain} and ${variable} exclude each other: give one of them`)
    found.set(ofFile, { value: readSecret(variable, value), from: variable })
  }
  return found
}

const isSecret = (name: string): boolean => {
  const settings: Readonly<Record<string, Setting>> = SETTINGS
  return settings[name]?.secret === true
}

function readSecret(variable: string, path: string): string {
  try {
    refuseShared(variable, path)
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    if (error instanceof CodedError) throw error
    throw invalidConfig(`${variable}: ${path} cannot be read`, error)
  }
}

function refuseShared(from: string, path: string): void {
  if ((statSync(path).mode & 0o077) !== 0) {
    throw invalidConfig(`${from} is a secret, and ${path} may be read by others: chmod 600 ${path}`)
  }
}

function readFile(path: string): Map<string, Source> {
  const document = readToml(path)
  const found = new Map<string, Source>()
  collect(document, '', (name, value) => {
    if (!Object.hasOwn(SETTINGS, name)) throw unknown(`${name} in ${path}`, NAMES)
    if (isSecret(name)) refuseShared(`${name} in ${path}`, path)
    found.set(name, { value, from: `${name} in ${path}` })
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
  const nearest = known
    .map((candidate) => ({ candidate, distance: distance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance)[0]
  const hint =
    nearest && nearest.distance <= Math.max(3, word.length / 3)
      ? ` Did you mean ${nearest.candidate}?`
      : ' See --help for all settings.'
  return invalidConfig(`${name} is not a setting.${hint}`)
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next[j] = Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1)
    }
    row = next
  }
  return row[b.length] ?? 0
}
