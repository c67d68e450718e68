import { z } from 'zod'
import { isUuid } from '../base/ids.ts'
import { nearest } from '../base/nearest.ts'
import type { KeyProviderHouse, KeyProviderType, OpenKeyProvider } from '../providers/common/define-key-provider.ts'
import { collide, type KeyClaims } from '../providers/common/key-claims.ts'
import { KEY_PROVIDERS } from '../providers/index.ts'
import { invalidConfig } from './config-error.ts'
import { readSecret } from './secret-file.ts'

/** A key provider that the settings name, with the keys that it serves. */
export interface DeclaredProvider {
  readonly name: string
  readonly claims: KeyClaims
  readonly open: (house: Pick<KeyProviderHouse, 'log'>) => Promise<OpenKeyProvider>
}

export interface Given {
  readonly value: unknown
  /** For messages: which variable or line of the file. */
  readonly from: string
}

export interface ProviderMember {
  readonly provider: string
  readonly member: string
}

/** Members by name, of each declared provider. */
export type GivenProviders = ReadonlyMap<string, ReadonlyMap<string, Given>>

const TABLE = 'key-providers'
const PREFIX = 'COFFER_KEY_PROVIDERS_'
const TYPES: Readonly<Record<string, KeyProviderType>> = KEY_PROVIDERS

const list = (check: (value: string) => boolean, hint: string) =>
  z
    .union([z.string(), z.array(z.string())], hint)
    .transform((given) => (typeof given === 'string' ? given.split(',') : given).map((one) => one.trim().toLowerCase()))
    .refine((values) => values.length > 0 && values.every(check), hint)
    .default([])
const CLAIMS = z.strictObject({
  instances: list(isUuid, 'give ids of Key Protect instances, separated by commas'),
  accounts: list((one) => /^[0-9a-f]{32}$/.test(one), 'give account ids of 32 hex digits, separated by commas'),
  regions: list((one) => /^[a-z0-9-]{1,32}$/.test(one), 'give regions like us-south, separated by commas'),
})
const COMMON_MEMBERS = ['type', ...Object.keys(CLAIMS.shape)]

const secretFiles = ({ secrets }: KeyProviderType): string[] => secrets.map((member) => `${member}-file`)
const membersOf = (type: KeyProviderType): string[] => [...COMMON_MEMBERS, ...type.members, ...secretFiles(type)]
/** Those that can be declared; what serves this process's own keys cannot. */
export const PROVIDER_TYPES: readonly string[] = Object.keys(TYPES)
/** Of all types. */
export const PROVIDER_MEMBERS: readonly string[] = [...new Set(Object.values(TYPES).flatMap(membersOf))]
/** The longest first: IAM_URL is no URL of a provider whose name ends in IAM. */
const BY_LENGTH = [...PROVIDER_MEMBERS].sort((a, b) => b.length - a.length)

/** `COFFER_KEY_PROVIDERS_<NAME>_<MEMBER>`; undefined for a variable that is none. */
export function providerVariable(variable: string): ProviderMember | undefined {
  if (!variable.startsWith(PREFIX)) return undefined
  const rest = variable.slice(PREFIX.length).toLowerCase().replaceAll('_', '-')
  const member = BY_LENGTH.find((one) => rest.endsWith(`-${one}`))
  return member === undefined ? undefined : { provider: rest.slice(0, -member.length - 1), member }
}

/** The variable that was probably meant by one that begins as those of a provider; undefined for any other. */
export function providerVariableMeant(variable: string): string | undefined {
  if (/^COFFER_PROVIDERS?_/.test(variable)) return `${PREFIX}<NAME>_<MEMBER>`
  if (!variable.startsWith(PREFIX)) return undefined
  const [provider = '', ...words] = variable.slice(PREFIX.length).split('_')
  for (let at = 0; at < words.length; at++) {
    const member = nearest(words.slice(at).join('-').toLowerCase(), PROVIDER_MEMBERS, 1)
    if (member !== undefined) return `${PREFIX}${[provider, ...words.slice(0, at)].join('_')}_${upper(member)}`
  }
  return `${PREFIX}${provider || '<NAME>'}_<MEMBER>, with one of ${PROVIDER_MEMBERS.map(upper).join(', ')}`
}

const upper = (member: string): string => member.replaceAll('-', '_').toUpperCase()

/** `key-providers.<name>.<member>` of the TOML file; undefined for a setting that is none. */
export function providerMember(name: string): ProviderMember | undefined {
  const [table, provider, member, ...more] = name.split('.')
  if (table !== TABLE || provider === undefined || member === undefined || more.length > 0) return undefined
  return { provider, member }
}

export const isProviderSecret = (member: string): boolean =>
  Object.values(TYPES).some(({ secrets }) => secrets.includes(member))

/** Throws ConfigInvalid, saying how to mend it. */
export function declaredProviders(given: GivenProviders): readonly DeclaredProvider[] {
  const declared = [...given].map(([name, members]) => declare(name, members))
  for (const [index, one] of declared.entries()) {
    const twin = declared.slice(0, index).find((other) => collide(one.claims, other.claims))
    if (twin === undefined) continue
    throw invalidConfig(
      `the key providers ${twin.name} and ${one.name} may both claim the same root key: tell them apart with instances, accounts or regions`,
    )
  }
  return declared
}

function declare(name: string, members: ReadonlyMap<string, Given>): DeclaredProvider {
  const place = `the key provider ${name}`
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name))
    throw invalidConfig(`${place}: a name is made of up to 32 lower-case letters, digits and hyphens`)
  const type = typeOf(place, members.get('type'))
  for (const [member, { from }] of members) {
    if (membersOf(type).includes(member)) continue
    throw invalidConfig(`${from} is not a setting of a ${type.type} provider. It has ${membersOf(type).join(', ')}.`)
  }
  const own: Record<string, unknown> = {}
  for (const member of type.members) own[member] = members.get(member)?.value
  for (const member of type.secrets) own[member] = secretFromFile(member, members) ?? own[member]
  const claims = CLAIMS.safeParse(
    Object.fromEntries(Object.keys(CLAIMS.shape).map((member) => [member, members.get(member)?.value])),
  )
  const configured = type.configure(own)
  if (claims.success && configured.success) {
    return { name, claims: claims.data, open: ({ log }) => configured.open({ name, log }) }
  }
  const fromClaims = claims.success
    ? []
    : claims.error.issues.map((issue) => ({ member: String(issue.path[0] ?? ''), message: issue.message }))
  const [issue] = [...fromClaims, ...(configured.success ? [] : configured.issues)]
  throw invalidConfig(problem(place, type, members, issue ?? { member: '', message: 'is not valid' }))
}

function problem(
  place: string,
  type: KeyProviderType,
  members: ReadonlyMap<string, Given>,
  { member, message }: { readonly member: string; readonly message: string },
): string {
  const given = members.get(member)
  if (given === undefined) return `${place} has no ${member}: ${message}`
  const shown = type.secrets.includes(member) ? '[secret]' : JSON.stringify(given.value)
  return `${given.from} is ${shown}: ${message}`
}

function typeOf(place: string, given: Given | undefined): KeyProviderType {
  const hint = `give ${Object.keys(TYPES).join(' or ')}`
  if (given === undefined) throw invalidConfig(`${place} has no type: ${hint}`)
  const type = typeof given.value === 'string' && Object.hasOwn(TYPES, given.value) ? TYPES[given.value] : undefined
  if (type === undefined) throw invalidConfig(`${given.from} is ${JSON.stringify(given.value)}: ${hint}`)
  return type
}

/** Throws ConfigInvalid for one that is given twice, cannot be read, or can be read by others. */
function secretFromFile(member: string, members: ReadonlyMap<string, Given>): string | undefined {
  const file = members.get(`${member}-file`)
  if (file === undefined) return undefined
  if (typeof file.value !== 'string') throw invalidConfig(`${file.from} is no path of a file`)
  if (members.has(member))
    throw invalidConfig(`${members.get(member)?.from} and ${file.from} exclude each other: give one of them`)
  return readSecret(file.from, file.value)
}
