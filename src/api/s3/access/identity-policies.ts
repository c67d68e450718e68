import { LRUCache } from 'lru-cache'
import { type AccessRequest, evaluate } from '../../../access/evaluate.ts'
import { managedPolicy, managedPolicyName } from '../../../access/managed-policies.ts'
import { type Policy, parsePolicy, type Statement } from '../../../access/policy.ts'
import type { AttachedPolicy, AwsIdentity, PolicySource } from '../../../iam/principal.ts'

export interface OwnDecision {
  readonly allowed: boolean
  /** Names the role, or the policy and its statement. */
  readonly reason: string
  /** A statement denies it, or what is said cannot be read: nothing outweighs that. */
  readonly explicit?: true
  /** No statement does: it is beyond what a session or a boundary lets it do. */
  readonly beyond?: true
}

interface NamedPolicy {
  readonly name: string
  readonly policy: Policy | 'unreadable'
}

/** What the policies of an identity let it do: a Deny of any of them decides, and a session gets nothing that its own policies do not give. */
export function decideIdentity({ sources, session, boundary }: AwsIdentity, request: AccessRequest): OwnDecision {
  if (sources === 'unreadable') return { allowed: false, reason: 'a group cannot be read', explicit: true }
  const own = decideBy(sources.flatMap(policiesOf), request)
  if (own.explicit) return own
  const within = boundary ? decideBy([managed('boundary')(boundary)], request) : undefined
  const limit = session && decideSession(session, request)
  if (within?.explicit) return within
  if (limit?.explicit) return limit
  if (within && !within.allowed) return beyond(BEYOND)
  return limit && !limit.allowed ? beyond('no session policy allows it') : own
}

/** Undefined: it limits nothing. */
function decideSession(session: NonNullable<AwsIdentity['session']>, request: AccessRequest): OwnDecision | undefined {
  const documents = session.policies.map((document, index) => named(`session policy ${index}`, document))
  const limits = [...documents, ...session.managed.map(managed('session policy'))]
  return limits.length === 0 ? undefined : decideBy(limits, request)
}

const beyond = (reason: string): OwnDecision => ({ allowed: false, reason, explicit: true, beyond: true })

function decideBy(policies: readonly NamedPolicy[], request: AccessRequest): OwnDecision {
  let allowed: string | undefined
  for (const { name, policy } of policies) {
    if (policy === 'unreadable') return { allowed: false, reason: `${name} cannot be read`, explicit: true }
    const verdict = evaluate(policy, request)
    if (verdict.effect === 'deny') return { allowed: false, reason: `${name} ${verdict.statement}`, explicit: true }
    if (verdict.effect === 'allow') allowed ??= `${name} ${verdict.statement}`
  }
  return allowed === undefined
    ? { allowed: false, reason: 'no policy of the identity allows it' }
    : { allowed: true, reason: allowed }
}

/** Of all policies that give it rights, as far as they can be read. */
export const statementsOf = ({ sources }: AwsIdentity): readonly Statement[] =>
  sources === 'unreadable'
    ? []
    : sources.flatMap(policiesOf).flatMap(({ policy }) => (policy === 'unreadable' ? [] : policy.statements))

const BEYOND = 'the permissions boundary does not allow it'

/** Do these policies ask for tags of the object? */
export function conditionKeys({ sources, session, boundary }: AwsIdentity): readonly string[] {
  if (sources === 'unreadable') return []
  const documents = (session?.policies ?? []).map((document) => named('session policy', document))
  const limits = (session?.managed ?? []).map(managed('session policy'))
  const bounds = boundary ? [managed('boundary')(boundary)] : []
  const all = [...sources.flatMap(policiesOf), ...documents, ...limits, ...bounds]
  return all.flatMap(({ policy }) => (policy === 'unreadable' ? [] : [...policy.keys]))
}

const policiesOf = ({ of, policies, attached }: PolicySource): NamedPolicy[] => [
  ...policies.map(({ name, document }) => named(`policy ${name} of ${of}`, document)),
  ...attached.map(managed(`policy of ${of}`)),
]

const managed =
  (what: string) =>
  ({ arn, document }: AttachedPolicy): NamedPolicy =>
    named(`${what} ${managedPolicyName(arn)}`, document ?? managedPolicy(arn) ?? '')

const read = new LRUCache<string, Policy | 'unreadable'>({ max: 4096, maxSize: 32 * 1024 * 1024 })

function named(name: string, document: string): NamedPolicy {
  const known = read.get(document)
  if (known) return { name, policy: known }
  const policy = parse(document)
  read.set(document, policy, { size: document.length + 1 })
  return { name, policy }
}

function parse(document: string): Policy | 'unreadable' {
  try {
    return parsePolicy(document, { of: 'identity' })
  } catch {
    return 'unreadable'
  }
}
