import type { AwsEntity, AwsKind } from '../../../iam/aws/entity.ts'
import { arnOf } from '../../../iam/aws/entity.ts'
import { noSuchEntity, validation } from '../../../iam/aws/errors.ts'
import type { Credential } from '../../../iam/credentials.ts'
import type { Iam } from '../../../iam/iam.ts'
import type { UserPrincipal } from '../../../iam/principal.ts'
import type { OwnDecision } from '../access/identity-policies.ts'
import type { S3Request } from '../request.ts'
import type { XmlObject } from '../xml/encode.ts'

/** A call whose permission is asked for. */
export interface AskedCall {
  readonly request: S3Request
  readonly call: QueryCall
  readonly operation: QueryOperation
  /** ARN. */
  readonly resource: string
  readonly sourceIp: string | undefined
  readonly region: string
}

export type QueryIam = Pick<Iam, 'aws' | 'decide' | 'owner' | 'people'>

/** One call, whose caller may make it. */
export interface QueryCall {
  readonly form: QueryForm
  readonly principal: UserPrincipal
  /** That signed it. */
  readonly credential: Credential
  readonly accountId: string
  readonly iam: QueryIam
  readonly nowMs: number
}

export interface QueryForm {
  /** Undefined when absent or empty. */
  readonly get: (name: string) => string | undefined
  /** Throws ValidationError when absent. */
  readonly require: (name: string) => string
  /** `<name>.member.1` and so on; `arn` of each when `member` says so. */
  readonly list: (name: string, member?: string) => readonly string[]
  /** Of what says something. */
  readonly names: readonly string[]
  readonly has: (name: string) => boolean
}

/** By their lower-case names. */
export type CallFacts = Readonly<Record<string, string | readonly string[] | undefined>>

export interface QueryOperation {
  readonly name: string
  readonly api: 'iam' | 'sts'
  /** Parameters that it acts upon; any other one that says something is refused. Lists: `<name>.member.N`. */
  readonly takes: readonly string[]
  readonly changes?: true
  /** Everybody may who is somebody. */
  readonly open?: true
  readonly permanentKeysOnly?: true
  /** In place of what the caller's own account says. */
  readonly decide?: (asked: AskedCall) => OwnDecision
  /** ARN that the permission is asked for. */
  readonly resource: (call: QueryCall) => string
  /** ARN of what it makes of that: the permission is asked for this one, too. */
  readonly becomes?: (call: QueryCall) => string
  /** Further actions of the same API that take a permission, too. */
  readonly alsoNeeds?: (call: QueryCall) => readonly string[]
  /** Condition keys that it alone has a value of. */
  readonly facts?: (call: QueryCall) => CallFacts
  /** The content of `<name>Result`; undefined: it has none. */
  readonly run: (call: QueryCall) => XmlObject | undefined | Promise<XmlObject | undefined>
}

/** A call that nobody has to sign: what it brings says who it is from. */
export interface OpenCall extends Pick<QueryCall, 'form' | 'iam' | 'nowMs'> {
  readonly request: S3Request
  readonly sourceIp: string | undefined
  readonly region: string
}

export interface OpenOperation extends Pick<QueryOperation, 'name' | 'api' | 'takes'> {
  /** Who calls, and whether they may: throws for somebody who is not known. */
  readonly admit: (call: OpenCall) => Promise<Admitted>
}

export interface Admitted {
  /** Of the caller, for the audit log. */
  readonly iamId: string
  /** ARN. */
  readonly resource: string
  readonly allowed: boolean
  /** What decided. */
  readonly reason: string
  /** Only if it is allowed. */
  readonly run: () => XmlObject
}

const PARAMETER: Readonly<Record<AwsKind, string>> = { user: 'UserName', group: 'GroupName', role: 'RoleName' }

export const nameOf = (kind: AwsKind, { form }: QueryCall): string => form.require(PARAMETER[kind])

/** By its own path if it is there: what it is called decides, not what the caller says. */
export function resourceNamed(kind: AwsKind, name: string | undefined, { accountId, iam }: QueryCall): string {
  if (name === undefined) return arnOf(kind, { accountId, path: '/', name: '*' })
  const rows: readonly AwsEntity[] = iam.aws[`${kind}s`].list(accountId)
  const known = rows.find((row) => row.name.toLowerCase() === name.toLowerCase())
  return arnOf(kind, known ?? { accountId, path: '/', name })
}

export const resourceOf = (kind: AwsKind) => (call: QueryCall) =>
  resourceNamed(kind, call.form.get(PARAMETER[kind]), call)

/** Of the user that is named, or of the caller. */
export const userOrSelf = (call: QueryCall): string =>
  resourceNamed('user', call.form.get('UserName') ?? call.principal.aws?.name, call)

/** For who is none and names none. A role may have the name of a user. */
export const notAUser = () => validation('Must specify userName when calling with non-User credentials')

export const isoDate = (ms: number): string => new Date(ms).toISOString()

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly facts: XmlObject
}

/** `items` in the order of `keyOf`. */
export function paged<Item>({ form }: QueryCall, items: readonly Item[], keyOf: (item: Item) => string): Page<Item> {
  const max = Number(form.get('MaxItems') ?? '100')
  if (!Number.isInteger(max) || max < 1 || max > 1000) throw validation('MaxItems must be between 1 and 1000.')
  const marker = form.get('Marker')
  const rest = marker === undefined ? items : items.filter((item) => keyOf(item) > marker)
  const shown = rest.slice(0, max)
  const last = shown.at(-1)
  const truncated = last !== undefined && rest.length > max
  return { items: shown, facts: { IsTruncated: truncated, ...(truncated ? { Marker: keyOf(last) } : {}) } }
}

export const PAGING = ['Marker', 'MaxItems'] as const

export function checkedName(what: string, name: string, max = 128): string {
  if (name.length > max || !/^[\w+=,.@-]+$/.test(name)) throw validation(`The specified value for ${what} is invalid.`)
  return name
}

export { noSuchEntity, validation }
