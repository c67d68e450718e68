import { evaluate } from '../../../access/evaluate.ts'
import type { Policy } from '../../../access/policy.ts'
import { ANONYMOUS } from '../../../access/requester.ts'
import type { AwsRole } from '../../../iam/aws/entity.ts'
import { issuerName, oidcProviderArn } from '../../../iam/oidc/provider.ts'
import type { WebIdentity } from '../../../iam/oidc/web-identity.ts'
import { ANONYMOUS_PRINCIPAL } from '../anonymous.ts'
import { callFacts } from './authorise-call.ts'
import { type OpenCall, type OpenOperation, validation } from './query-operation.ts'
import {
  assumedRoleXml,
  credentialsXml,
  parseRoleArn,
  roleNamed,
  sessionDuration,
  sessionName,
  sessionPolicies,
  TAG_SESSION,
  tagFacts,
  trustOf,
} from './session-parameters.ts'

const ACTION = 'sts:AssumeRoleWithWebIdentity'

/** AWS's. */
const MAX_TOKEN_CHARACTERS = 20_000

/** Who has a token of an identity provider of the role's account takes the role on, if its trust policy says so. */
export const ASSUME_ROLE_WITH_WEB_IDENTITY: OpenOperation = {
  ...{ name: 'AssumeRoleWithWebIdentity', api: 'sts' },
  takes: [
    ...['RoleArn', 'RoleSessionName', 'WebIdentityToken', 'Policy', 'PolicyArns.member.N.arn', 'DurationSeconds'],
  ],
  admit: async (call) => {
    const { form, iam } = call
    const resource = form.require('RoleArn')
    const token = form.require('WebIdentityToken')
    if (token.length < 4 || token.length > MAX_TOKEN_CHARACTERS) {
      throw validation(`WebIdentityToken has 4 to ${MAX_TOKEN_CHARACTERS} characters.`)
    }
    const name = sessionName(call)
    // Nobody is told which roles there are who has no token.
    const identity = await iam.aws.verifyWebIdentity(parseRoleArn(resource).accountId, token)
    const { provider, audience, subject } = identity
    const iamId = `${issuerName(provider.url)}:${audience}:${subject}`
    const role = roleNamed(call)
    if (!role) return refusal({ iamId, resource, reason: 'there is no such role' })
    const { allowed, reason } = decideTrust(role, identity, call)
    if (!allowed) return refusal({ iamId, resource, reason })
    const run = () => {
      const seconds = sessionDuration(call, { standard: 3600, most: role.maxSessionSeconds })
      const session = { name, ...sessionPolicies(call) }
      return {
        Credentials: credentialsXml(iam.aws.sessions.ofWebIdentity(identity, role, session, seconds)),
        SubjectFromWebIdentityToken: subject,
        AssumedRoleUser: assumedRoleXml(role, name),
        Provider: provider.url,
        Audience: audience,
      }
    }
    return { iamId, resource, allowed, reason, run }
  },
}

function refusal(who: { readonly iamId: string; readonly resource: string; readonly reason: string }) {
  const run = () => {
    throw new Error('a role was taken on that was refused')
  }
  return { ...who, allowed: false, run }
}

function decideTrust(role: AwsRole, identity: WebIdentity, call: OpenCall): Decision {
  const trust = trustOf(role)
  if (!trust) return { allowed: false, reason: 'the trust policy cannot be read' }
  const assuming = decideAction(trust, ACTION, identity, role, call)
  if (!assuming.allowed || identity.tags.length === 0) return assuming
  const tagging = decideAction(trust, `sts:${TAG_SESSION}`, identity, role, call)
  return tagging.allowed ? assuming : tagging
}

interface Decision {
  readonly allowed: boolean
  readonly reason: string
}

function decideAction(
  trust: Policy,
  action: string,
  { provider, facts, tags }: WebIdentity,
  role: AwsRole,
  call: OpenCall,
): Decision {
  const arn = oidcProviderArn(provider)
  const requester = { ...ANONYMOUS, federated: arn }
  const given = {
    ...{ ...facts, ...tagFacts(tags) },
    ...{ 'sts:rolesessionname': sessionName(call), 'aws:federatedprovider': arn },
  }
  const verdict = evaluate(forFederated(trust), {
    ...{ requester, action, resource: call.form.require('RoleArn') },
    facts: callFacts(
      { ...call, principal: ANONYMOUS_PRINCIPAL, requester, resourceTags: () => role.tags ?? [] },
      given,
    ),
  })
  if (verdict.effect === 'allow') return { allowed: true, reason: `trust policy ${verdict.statement}` }
  return { allowed: false, reason: verdict.effect === 'deny' ? `trust policy ${verdict.statement}` : 'trust policy' }
}

/** What is given to everybody is for those who have credentials: an identity provider must be named. */
const forFederated = (trust: Policy): Policy => ({
  ...trust,
  statements: trust.statements.flatMap((statement) => {
    const { effect, principals } = statement
    if (effect === 'Deny') return [statement]
    const list = principals?.not === false ? principals.list.filter(({ type }) => type === 'federated') : []
    return list.length > 0 ? [{ ...statement, principals: { not: false, list } }] : []
  }),
})
