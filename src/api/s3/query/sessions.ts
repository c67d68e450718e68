import { evaluate, type Verdict } from '../../../access/evaluate.ts'
import { managedPolicy } from '../../../access/managed-policies.ts'
import { type Policy, parseNewPolicy, parsePolicy } from '../../../access/policy.ts'
import { type AwsRole, arnOf } from '../../../iam/aws/entity.ts'
import type { TemporaryCredentials } from '../../../iam/aws/sessions.ts'
import type { XmlObject } from '../xml/encode.ts'
import { decideOwn, factsOfCall, requesterOfCall } from './authorise-call.ts'
import {
  type AskedCall,
  type CallFacts,
  checkedName,
  isoDate,
  noSuchEntity,
  type QueryCall,
  type QueryOperation,
  validation,
} from './query-operation.ts'

const credentialsXml = ({
  accessKeyId,
  secretAccessKey,
  sessionToken,
  expiresAtMs,
}: TemporaryCredentials): XmlObject => ({
  AccessKeyId: accessKeyId,
  SecretAccessKey: secretAccessKey,
  SessionToken: sessionToken,
  Expiration: isoDate(expiresAtMs),
})

function duration(
  { form }: QueryCall,
  { standard, most }: { readonly standard: number; readonly most: number },
): number {
  const seconds = Number(form.get('DurationSeconds') ?? standard)
  if (Number.isInteger(seconds) && seconds >= 900 && seconds <= most) return seconds
  throw validation(`DurationSeconds must be between 900 and ${most}.`)
}

/** AWS: of a role that was taken on by a role. */
const CHAINED_SECONDS = 3600

/** Undefined for one that there is not, or not by this ARN: nobody is told which. */
function roleNamed({ form, iam }: QueryCall): AwsRole | undefined {
  const arn = form.require('RoleArn')
  const [, accountId = '', name = ''] = /^arn:aws:iam::([^:]+):role\/(?:.*\/)?([^/]+)$/.exec(arn) ?? []
  const role = iam.aws.roles.list(accountId).find((one) => one.name === name)
  return role && arnOf('role', role) === arn ? role : undefined
}

/** Who takes a role on is let in by its trust policy, and by what the account of the caller says where that is asked. */
function decideAssuming(asked: AskedCall): { readonly allowed: boolean; readonly reason: string } {
  const { call, resource } = asked
  const role = roleNamed(call)
  if (!role) return { allowed: false, reason: 'there is no such role' }
  const own = decideOwn(asked)
  if (own.explicit) return own
  const trust = trustOf(role)
  if (!trust) return { allowed: false, reason: 'the trust policy cannot be read' }
  const action = 'sts:AssumeRole'
  const facts = factsOfCall(asked)
  const verdict: Verdict = evaluate(trust, { requester: requesterOfCall(call), action, resource, facts })
  if (verdict.effect !== 'allow') {
    return { allowed: false, reason: verdict.effect === 'deny' ? `trust policy ${verdict.statement}` : 'trust policy' }
  }
  const enough = verdict.reach === 'named' && role.accountId === call.accountId
  if (enough || own.allowed) return { allowed: true, reason: `trust policy ${verdict.statement}` }
  return { allowed: false, reason: own.reason }
}

function trustOf({ trust }: AwsRole): Policy | undefined {
  try {
    return parsePolicy(trust, { of: 'role' })
  } catch {
    return undefined
  }
}

const namesGiven = ({ form }: QueryCall): CallFacts => ({
  'sts:externalid': form.get('ExternalId'),
  'sts:rolesessionname': form.get('RoleSessionName'),
})

/** AWS: of a policy for a session. */
const MAX_POLICY_CHARACTERS = 2048

function sessionPolicies({ form }: QueryCall) {
  const document = form.get('Policy')
  // What says nothing would be no limit.
  if (document === undefined && form.has('Policy')) throw validation('Policy has at least 1 character.')
  if (document !== undefined) {
    parseNewPolicy(document, { of: 'identity' })
    if (document.length > MAX_POLICY_CHARACTERS)
      throw validation(`Policy has at most ${MAX_POLICY_CHARACTERS} characters.`)
  }
  const managed = form.list('PolicyArns', 'arn')
  if (managed.length > 10) throw validation('PolicyArns has at most 10 members.')
  const unknown = managed.find((arn) => managedPolicy(arn) === undefined)
  if (unknown !== undefined) throw noSuchEntity(`Policy ${unknown} does not exist.`)
  // What is not understood would leave out a limit.
  const given = form.names.filter((name) => name.startsWith('PolicyArns.'))
  if (given.length !== managed.length) throw validation('PolicyArns is a list of arn.')
  return { policies: document === undefined ? [] : [document], managed }
}

export const SESSIONS: readonly QueryOperation[] = [
  {
    ...{ name: 'GetSessionToken', api: 'sts', takes: ['DurationSeconds'], changes: true, open: true },
    ...{ permanentKeysOnly: true, resource: () => '*' },
    run: (call) => {
      const seconds = duration(call, { standard: 43_200, most: 129_600 })
      return { Credentials: credentialsXml(call.iam.aws.sessions.ofUser(call.credential, seconds)) }
    },
  },
  {
    ...{ name: 'AssumeRole', api: 'sts', changes: true, decide: decideAssuming, facts: namesGiven },
    takes: ['RoleArn', 'RoleSessionName', 'Policy', 'PolicyArns.member.N.arn', 'DurationSeconds', 'ExternalId'],
    resource: ({ form }) => form.require('RoleArn'),
    run: (call) => {
      const role = roleNamed(call)
      if (!role) throw noSuchEntity('The role is gone.')
      const name = checkedName('roleSessionName', call.form.require('RoleSessionName'), 64)
      if (name.length < 2) throw validation('RoleSessionName has at least 2 characters.')
      const chained = call.principal.aws?.kind === 'role'
      const most = chained ? CHAINED_SECONDS : role.maxSessionSeconds
      const seconds = duration(call, { standard: 3600, most })
      const session = { name, ...sessionPolicies(call) }
      const credentials = call.iam.aws.sessions.ofRole(call.credential, role, session, seconds)
      const Arn = `arn:aws:sts::${role.accountId}:assumed-role/${role.name}/${name}`
      return {
        Credentials: credentialsXml(credentials),
        AssumedRoleUser: { AssumedRoleId: `${role.id}:${name}`, Arn },
      }
    },
  },
]
