import { isKnownAnywhere } from './condition-keys.ts'
import { type Condition, parseConditions } from './conditions.ts'
import { hasDuplicateMembers } from './duplicate-members.ts'
import { malformed } from './errors.ts'
import { matches, type Pattern, parsePattern, variablesOf } from './pattern.ts'
import { namesEveryone, type Principals, parsePrincipals } from './principals.ts'
import { canBeDoneTo, namesS3Action } from './s3-actions.ts'

/** Patterns of which one must match (`Action`), or none may (`NotAction`). */
export interface Names {
  readonly not: boolean
  readonly patterns: readonly Pattern[]
}

export interface Statement {
  /** Its Sid, or its place: `Sid`, `#0`. */
  readonly name: string
  readonly effect: 'Allow' | 'Deny'
  /** Absent in policies of identities, which are for whom they are attached to. */
  readonly principals?: Principals
  readonly actions: Names
  /** Absent in trust policies. */
  readonly resources?: Names
  readonly conditions: readonly Condition[]
}

export interface Policy {
  readonly statements: readonly Statement[]
  /** Lower-case condition keys that a decision by this policy asks for. */
  readonly keys: ReadonlySet<string>
}

/** What a policy is attached to. */
export type PolicyKind =
  /** To a bucket: it names principals, and resources of this bucket only. */
  | { readonly of: 'bucket'; readonly bucket: string }
  /** To an identity. */
  | { readonly of: 'identity' }
  /** To a role: who may take it on. */
  | { readonly of: 'role' }

/** S3: of a bucket's policy, without the white space between its parts. */
const MAX_POLICY_BYTES = 20 * 1024

/** That is to be kept: what could never do as it says is refused, which earlier releases took. Throws MalformedPolicy. */
export function parseNewPolicy(text: string, kind: PolicyKind): Policy {
  const policy = parsePolicy(text, { ...kind, isNew: true })
  if (kind.of === 'bucket' && !policy.statements.every(hasEffect)) {
    throw malformed('Action does not apply to any resource(s) in statement')
  }
  if (kind.of === 'role' && policy.statements.some(({ principals }) => principals?.not)) {
    throw malformed('Has prohibited field NotPrincipal')
  }
  const unknown = [...policy.keys].find((key) => !isKnownAnywhere(key))
  if (unknown !== undefined) throw malformed(`Policy has an invalid condition key: ${unknown.slice(0, 128)}`)
  return policy
}

/**
 * Of a bucket's policy: can each action that it names be done to anything that it names? An Allow that gives nothing is
 * taken, which S3 refuses: the public suite puts one. A Deny would protect nothing, and seem to.
 */
const hasEffect = ({ effect, actions, resources }: Statement): boolean =>
  effect === 'Allow' ||
  actions.not ||
  resources?.not === true ||
  actions.patterns.every((action) => resources?.patterns.some(({ source }) => canBeDoneTo(action, source)))

/** `isNew`: as strict as AWS. */
type Reading = PolicyKind & { readonly isNew?: true }

/** As it may be stored. Throws MalformedPolicy with AWS's message. */
export function parsePolicy(text: string, kind: Reading): Policy {
  const document = parseJson(text)
  if (kind.isNew && hasDuplicateMembers(text)) throw malformed('Syntax errors in policy.')
  if (kind.of === 'bucket' && Buffer.byteLength(JSON.stringify(document)) > MAX_POLICY_BYTES) {
    throw malformed('Normalized policy document exceeds the maximum allowed size')
  }
  checkMembers(document, ['Version', 'Id', 'Statement'])
  const version = document['Version'] ?? '2008-10-17'
  if (version !== '2012-10-17' && version !== '2008-10-17') {
    throw malformed('The policy must contain a valid version string')
  }
  if (document['Id'] !== undefined && typeof document['Id'] !== 'string') throw malformed('Syntax errors in policy.')
  const given = document['Statement']
  if (given === undefined) throw malformed('Missing required field Statement')
  const list: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (list.length === 0) throw malformed('Could not parse the policy: Statement is empty!')
  const variables = version === '2012-10-17'
  const statements = list.map((one, index) => parseStatement(one, index, kind, variables))
  // S3 takes a bucket's policy as it is, IAM insists.
  const sids = list.flatMap((one) => (isRecord(one) && typeof one['Sid'] === 'string' ? [one['Sid']] : []))
  if (kind.of !== 'bucket' && new Set(sids).size !== sids.length) {
    throw malformed('Statement IDs (SID) in a single policy must be unique.')
  }
  return { statements, keys: new Set(statements.flatMap(keysOf)) }
}

type Json = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

function parseJson(text: string): Json {
  const refusal = "Policies must be valid JSON and the first byte must be '{'"
  if (!text.startsWith('{')) throw malformed(refusal)
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return value
  } catch (cause) {
    throw malformed(refusal, cause)
  }
  throw malformed(refusal)
}

function checkMembers(object: Json, known: readonly string[]): void {
  const unknown = Object.keys(object).find((name) => !known.includes(name))
  if (unknown !== undefined) throw malformed(`Unknown field ${unknown}`)
}

const MEMBERS = [
  ...['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'],
]

function parseStatement(value: unknown, index: number, kind: Reading, variables: boolean): Statement {
  if (!isRecord(value)) throw malformed('Syntax errors in policy.')
  checkMembers(value, MEMBERS)
  const [sid, effect, condition] = [value['Sid'], value['Effect'], value['Condition']]
  if (sid !== undefined && typeof sid !== 'string') throw malformed('Syntax errors in policy.')
  if (effect === undefined) throw malformed('Missing required field Effect')
  if (effect !== 'Allow' && effect !== 'Deny') throw malformed(`Invalid effect: ${String(effect).slice(0, 64)}`)
  const principals = principalsOf(value, kind)
  if (principals?.not && effect === 'Allow') throw malformed('Allow with NotPrincipal is not allowed.')
  const actions = actionsOf(value, kind)
  const resources = resourcesOf(value, kind, variables)
  return {
    name: sid ? sid : `#${index}`,
    effect,
    ...(principals ? { principals } : {}),
    actions,
    ...(resources ? { resources } : {}),
    conditions:
      condition === undefined ? [] : parseConditions(condition, { variables, knownKeysOnly: kind.of === 'bucket' }),
  }
}

function principalsOf(value: Json, kind: Reading): Principals | undefined {
  const [only, not] = [value['Principal'], value['NotPrincipal']]
  if (kind.of === 'identity') {
    if (only !== undefined || not !== undefined) throw malformed('Policy document should not specify a principal.')
    return undefined
  }
  if (only !== undefined && not !== undefined) throw malformed('Principal and NotPrincipal are mutually exclusive')
  if (only === undefined && not === undefined) throw malformed('Missing required field Principal')
  const principals = parsePrincipals(only ?? not, { not: only === undefined, anyPartition: !kind.isNew })
  if (principals.not && namesEveryone(principals)) throw malformed('Invalid principal in policy')
  return principals
}

/** One of two members, as a list of strings. */
function namesOf(value: Json, name: string): { readonly not: boolean; readonly list: readonly string[] } | undefined {
  const [only, not] = [value[name], value[`Not${name}`]]
  if (only !== undefined && not !== undefined) throw malformed(`${name} and Not${name} are mutually exclusive`)
  const given = only ?? not
  if (given === undefined) return undefined
  const list: readonly unknown[] = Array.isArray(given) ? given : [given]
  const strings = list.filter((one) => typeof one === 'string')
  if (strings.length !== list.length || list.length === 0) throw malformed('Syntax errors in policy.')
  return { not: only === undefined, list: strings }
}

function actionsOf(value: Json, kind: PolicyKind): Names {
  const given = namesOf(value, 'Action')
  if (!given) throw malformed('Missing required field Action')
  const patterns = given.list.map((name) => {
    const pattern = parsePattern(name, { wildcards: true, variables: false })
    const known =
      kind.of === 'bucket' ? name === '*' || namesS3Action(pattern) : /^(\*|[A-Za-z0-9-]+:[^\s:]+)$/.test(name)
    if (!known) throw malformed('Policy has invalid action')
    return pattern
  })
  return { not: given.not, patterns }
}

function resourcesOf(value: Json, kind: Reading, variables: boolean): Names | undefined {
  const given = namesOf(value, 'Resource')
  if (kind.of === 'role') {
    if (given) throw malformed('Has prohibited field Resource')
    return undefined
  }
  if (!given) throw malformed('Missing required field Resource')
  const patterns = given.list.map((name) => {
    const pattern = parsePattern(name, { wildcards: true, variables })
    const valid = kind.of === 'bucket' ? isOfBucket(name, kind.bucket) : name === '*' || /^arn:[^:]+:[^:]+:/.test(name)
    if (!valid || (kind.isNew && !isOfPartition(name))) throw malformed('Policy has invalid resource')
    return pattern
  })
  return { not: given.not, patterns }
}

/** AWS has three partitions, and this is one. */
export function isOfPartition(resource: string): boolean {
  if (resource === '*') return true
  const partition = parsePattern(resource.split(':', 2)[1] ?? '', { wildcards: true, variables: false })
  return matches(partition, 'aws', () => undefined) === true
}

/** Names this bucket, or objects of it. */
function isOfBucket(resource: string, bucket: string): boolean {
  const [, name = ''] = /^arn:aws[a-z-]*:s3:::([^/]+)/.exec(resource) ?? []
  return matches(parsePattern(name, { wildcards: true, variables: false }), bucket, () => undefined) === true
}

const keysOf = ({ resources, conditions }: Statement): string[] => [
  ...(resources?.patterns.flatMap(variablesOf) ?? []),
  ...conditions.flatMap(({ key, values }) => [key, ...values.flatMap(variablesOf)]),
]
