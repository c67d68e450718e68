import { type Policy, parseNewPolicy, parsePolicy } from '../../../access/policy.ts'
import { withPrincipalIds } from '../../../access/principal-ids.ts'
import { type AwsRole, arnOf } from '../../../iam/aws/entity.ts'
import { checkedSessionTags } from '../../../iam/aws/session-tags.ts'
import type { TemporaryCredentials } from '../../../iam/aws/sessions.ts'
import type { SessionTag } from '../../../iam/principal.ts'
import type { XmlObject } from '../xml/encode.ts'
import { checkAttachable } from './managed-policies.ts'
import { type CallFacts, checkedName, isoDate, type QueryCall, validation } from './query-operation.ts'
import { requestTagFacts } from './tag-parameters.ts'

export const credentialsXml = ({
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

export function sessionDuration(
  { form }: Pick<QueryCall, 'form'>,
  { standard, most }: { readonly standard: number; readonly most: number },
): number {
  const seconds = Number(form.get('DurationSeconds') ?? standard)
  if (Number.isInteger(seconds) && seconds >= 900 && seconds <= most) return seconds
  throw validation(`DurationSeconds must be between 900 and ${most}.`)
}

/** AWS: whoever gives a session tags, or hands some on, needs this right, too. */
export const TAG_SESSION = 'TagSession'

/** That a session is to be given; values that are empty cannot be told from absent ones. */
export function givenTags({ form }: Pick<QueryCall, 'form'>): readonly SessionTag[] {
  const [keys, values] = [form.list('Tags', 'Key'), form.list('Tags', 'Value')]
  const transitive = form.list('TransitiveTagKeys')
  const given = form.names.filter((name) => /^(?:Tags|TransitiveTagKeys)\./.test(name))
  if (keys.length !== values.length || given.length !== keys.length * 2 + transitive.length) {
    throw validation('Tags is a list of Key and Value, TransitiveTagKeys a list of keys.')
  }
  return checkedSessionTags(
    keys.map((key, index) => ({ key, value: values[index] ?? '' })),
    transitive,
  )
}

export const tagFacts = (tags: readonly SessionTag[]): CallFacts => {
  if (tags.length === 0) return {}
  const transitive = tags.filter((tag) => tag.transitive).map(({ key }) => key)
  return {
    ...requestTagFacts(tags),
    ...(transitive.length > 0 ? { 'sts:transitivetagkeys': transitive } : {}),
  }
}

export function sessionName({ form }: Pick<QueryCall, 'form'>): string {
  const name = checkedName('roleSessionName', form.require('RoleSessionName'), 64)
  if (name.length < 2) throw validation('RoleSessionName has at least 2 characters.')
  return name
}

export const assumedRoleXml = (role: AwsRole, session: string): XmlObject => ({
  AssumedRoleId: `${role.id}:${session}`,
  Arn: `arn:aws:sts::${role.accountId}:assumed-role/${role.name}/${session}`,
})

/** Both empty of what is none. */
export function parseRoleArn(arn: string): { readonly accountId: string; readonly name: string } {
  const [, accountId = '', name = ''] = /^arn:aws:iam::([^:]+):role\/(?:.*\/)?([^/]+)$/.exec(arn) ?? []
  return { accountId, name }
}

/** Undefined for one that there is not, or not by this ARN: nobody is told which. */
export function roleNamed({ form, iam }: Pick<QueryCall, 'form' | 'iam'>): AwsRole | undefined {
  const arn = form.require('RoleArn')
  const { accountId, name } = parseRoleArn(arn)
  const role = iam.aws.roles.list(accountId).find((one) => one.name === name)
  return role && arnOf('role', role) === arn ? role : undefined
}

/** Undefined when it cannot be read. */
export function trustOf({ trust, trustIds }: AwsRole): Policy | undefined {
  try {
    return withPrincipalIds(parsePolicy(trust, { of: 'role' }), trustIds)
  } catch {
    return undefined
  }
}

/** AWS: of a policy for a session. */
const MAX_POLICY_CHARACTERS = 2048

export function sessionPolicies({ form, iam }: Pick<QueryCall, 'form' | 'iam'>) {
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
  // AWS: of the role's account.
  const { accountId } = parseRoleArn(form.require('RoleArn'))
  for (const arn of managed) checkAttachable({ iam, accountId }, arn)
  // What is not understood would leave out a limit.
  const given = form.names.filter((name) => name.startsWith('PolicyArns.'))
  if (given.length !== managed.length) throw validation('PolicyArns is a list of arn.')
  return { policies: document === undefined ? [] : [document], managed }
}
