import { evaluate, type Verdict } from '../../../access/evaluate.ts'
import { withHandedOn } from '../../../iam/aws/session-tags.ts'
import type { OwnDecision } from '../access/identity-policies.ts'
import { decideOwn, factsOfCall, requesterOfCall } from './authorise-call.ts'
import { type AskedCall, type CallFacts, noSuchEntity, type QueryCall, type QueryOperation } from './query-operation.ts'
import {
  assumedRoleXml,
  credentialsXml,
  givenTags,
  roleNamed,
  sessionDuration,
  sessionName,
  sessionPolicies,
  TAG_SESSION,
  tagFacts,
  trustOf,
} from './session-parameters.ts'

/** AWS: of a role that was taken on by a role. */
const CHAINED_SECONDS = 3600

/** Who takes a role on is let in by its trust policy, and by what the account of the caller says where that is asked. */
function decideAssuming(asked: AskedCall): OwnDecision {
  const assuming = decideBoth(asked)
  const { call, operation } = asked
  const isTagged = sessionTags(call).length > 0
  if (!assuming.allowed || !isTagged) return assuming
  const tagging = decideBoth({ ...asked, operation: { ...operation, name: TAG_SESSION } })
  return tagging.allowed ? assuming : tagging
}

function decideBoth(asked: AskedCall): OwnDecision {
  const { call, resource, operation } = asked
  const role = roleNamed(call)
  if (!role) return { allowed: false, reason: 'there is no such role' }
  const own = decideOwn(asked)
  if (own.explicit) return own
  const trust = trustOf(role)
  if (!trust) return { allowed: false, reason: 'the trust policy cannot be read' }
  const action = `sts:${operation.name}`
  const facts = factsOfCall(asked)
  const verdict: Verdict = evaluate(trust, { requester: requesterOfCall(call), action, resource, facts })
  if (verdict.effect !== 'allow') {
    return { allowed: false, reason: verdict.effect === 'deny' ? `trust policy ${verdict.statement}` : 'trust policy' }
  }
  const enough = verdict.reach === 'named' && role.accountId === call.accountId
  if (enough || own.allowed) return { allowed: true, reason: `trust policy ${verdict.statement}` }
  return { allowed: false, reason: own.reason }
}

/** Given, and handed on. */
const sessionTags = (call: QueryCall) => withHandedOn(givenTags(call), call.principal.aws?.tags ?? [])

const namesGiven = (call: QueryCall): CallFacts => ({
  'sts:externalid': call.form.get('ExternalId'),
  'sts:rolesessionname': call.form.get('RoleSessionName'),
  ...tagFacts(givenTags(call)),
})

export const SESSIONS: readonly QueryOperation[] = [
  {
    ...{ name: 'GetSessionToken', api: 'sts', takes: ['DurationSeconds'], changes: true, open: true },
    ...{ permanentKeysOnly: true, resource: () => '*' },
    run: (call) => {
      const seconds = sessionDuration(call, { standard: 43_200, most: 129_600 })
      return { Credentials: credentialsXml(call.iam.aws.sessions.ofUser(call.credential, seconds)) }
    },
  },
  {
    ...{ name: 'AssumeRole', api: 'sts', changes: true, decide: decideAssuming, facts: namesGiven },
    takes: [
      ...['RoleArn', 'RoleSessionName', 'Policy', 'PolicyArns.member.N.arn', 'DurationSeconds', 'ExternalId'],
      ...['Tags.member.N.Key', 'Tags.member.N.Value', 'TransitiveTagKeys.member.N'],
    ],
    resource: ({ form }) => form.require('RoleArn'),
    run: (call) => {
      const role = roleNamed(call)
      if (!role) throw noSuchEntity('The role is gone.')
      const name = sessionName(call)
      const chained = call.principal.aws?.kind === 'role'
      const most = chained ? CHAINED_SECONDS : role.maxSessionSeconds
      const seconds = sessionDuration(call, { standard: 3600, most })
      const session = { name, ...sessionPolicies(call), tags: sessionTags(call) }
      const credentials = call.iam.aws.sessions.ofRole(call.credential, role, session, seconds)
      return { Credentials: credentialsXml(credentials), AssumedRoleUser: assumedRoleXml(role, name) }
    },
  },
]
