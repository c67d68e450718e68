import { z } from 'zod'
import { entityKey } from './aws/entity.ts'
import { awsRolePrincipal, awsUserPrincipal } from './aws/principals.ts'
import { sessionTagsSchema } from './aws/session-tags.ts'
import { findInstance } from './instances.ts'
import { userKey } from './keyspace.ts'
import type { Principal, UserPrincipal } from './principal.ts'
import type { IamState } from './state.ts'
import { SYSTEM_ACCOUNT_ID } from './system.ts'
import { servicePrincipal } from './tokens.ts'
import { isActive, userPrincipal } from './users.ts'

/**
 * Who has ordered what is done later, so that it is done with the rights that he has by then: what names him for good, and
 * never another one, to be stored.
 */
export interface Mandates {
  /** Undefined when he is gone already. */
  readonly of: (principal: Principal) => string | undefined
  /** With the policies of now, and within those of the session that he had. Undefined when he is gone, or may not act. */
  readonly principal: (mandate: string) => Principal | undefined
}

/**
 * When the temporary credentials were made that it was ordered with, null if they were none. Mandates of earlier releases
 * do not say; each may be of a session of any age.
 */
const sinceMs = z.number().nullable().optional()
const schema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('user'), accountId: z.string(), iamId: z.string(), uid: z.string(), sinceMs }),
  z.strictObject({ type: z.literal('aws-user'), accountId: z.string(), id: z.string(), sinceMs }),
  z.strictObject({
    ...{ type: z.literal('aws-role'), accountId: z.string(), id: z.string(), sinceMs },
    ...{ name: z.string(), policies: z.array(z.string()), managed: z.array(z.string()) },
    federated: z.strictObject({ provider: z.string(), facts: z.record(z.string(), z.array(z.string())) }).optional(),
    tags: sessionTagsSchema.optional(),
  }),
  z.strictObject({ type: z.literal('service'), crn: z.string() }),
])

type Mandate = z.output<typeof schema>
type Since = z.output<typeof sinceMs>

export function createMandates(state: IamState): Mandates {
  const { users, awsUsers, awsRoles } = state

  const mandateOf = (principal: Principal): Mandate | undefined => {
    const { iamId, accountId } = principal
    if (principal.type === 'service') return { type: 'service', crn: iamId.slice('crn-'.length) }
    const { aws, temporarySinceMs: sinceMs = null } = principal
    if (!aws) {
      const uid = users.get(userKey(principal))?.uid
      return uid === undefined ? undefined : { type: 'user', accountId, iamId, uid, sinceMs }
    }
    if (aws.kind === 'user') return { type: 'aws-user', accountId, id: iamId, sinceMs }
    const [id = '', name = ''] = iamId.split(':')
    const { policies = [], managed = [], tags } = aws.session ?? {}
    const session = { name, policies: [...policies], managed: managed.map(({ arn }) => arn) }
    const facts = Object.entries(aws.federated?.facts ?? {}).map(([key, values]): [string, string[]] => [
      key,
      [...values],
    ])
    return {
      ...{ type: 'aws-role', accountId, id, sinceMs: sinceMs ?? 0, ...session },
      ...(aws.federated ? { federated: { provider: aws.federated.provider, facts: Object.fromEntries(facts) } } : {}),
      ...(tags ? { tags: [...tags] } : {}),
    }
  }

  const principalOf = (mandate: Mandate): Principal | undefined => {
    switch (mandate.type) {
      case 'user': {
        const user = users.get(userKey(mandate))
        return user?.uid === mandate.uid && isActive(user) ? since(mandate, userPrincipal(user)) : undefined
      }
      case 'aws-user': {
        const user = awsUsers.get(entityKey(mandate))
        return user && since(mandate, awsUserPrincipal(state, user))
      }
      case 'aws-role': {
        const role = awsRoles.get(entityKey(mandate))
        return role && since(mandate, awsRolePrincipal(state, role, mandate))
      }
      case 'service': {
        const instance = findInstance(state, mandate.crn)
        return instance && instance.accountId !== SYSTEM_ACCOUNT_ID ? servicePrincipal(instance) : undefined
      }
    }
  }

  return {
    of: (principal) => {
      const mandate = mandateOf(principal)
      return mandate && JSON.stringify(mandate)
    },
    principal: (text) => {
      // One of a later release may say what this one would not heed.
      const { data } = schema.safeParse(JSON.parse(text))
      return data && principalOf(data)
    },
  }
}

const since = ({ sinceMs = 0 }: { readonly sinceMs?: Since }, principal: UserPrincipal): UserPrincipal =>
  sinceMs === null ? principal : { ...principal, temporarySinceMs: sinceMs }
