import { z } from 'zod'
import { CodedError } from '../base/errors.ts'
import { newUuid } from '../base/ids.ts'
import { isAwsUserName } from './aws/user-arns.ts'
import { lifeSchema } from './entity-life.ts'
import type { IamErrorCode } from './errors.ts'
import { conflict, invalid } from './errors.ts'
import { userKey } from './keyspace.ts'
import { ROLES, type Role, SERVICE_NAMES, type ServiceName, type UserPrincipal } from './principal.ts'
import { type Roles, type StoredUser, USER_STATES, type User, type UserId } from './records.ts'
import { removePoliciesOf } from './remove-policies.ts'
import type { IamState } from './state.ts'
import { type Change, type RowCodec, requireReadable } from './table.ts'

/** What each service knows as a role of a user. */
export const ROLES_OF_SERVICE: Readonly<Record<ServiceName, readonly Role[]>> = {
  'cloud-object-storage': ['Reader', 'Writer', 'Manager'],
  kms: ['Reader', 'ReaderPlus', 'Writer', 'Manager', 'KeyPurge'],
  iam: ['Viewer', 'Operator', 'Editor', 'Administrator'],
}

const role = z.enum(ROLES).optional()
const schema = z.strictObject({
  accountId: z.string(),
  iamId: z.string(),
  name: z.string(),
  email: z.string(),
  roles: z.strictObject({ 'cloud-object-storage': role, kms: role, iam: role }),
  uid: z.string(),
  life: lifeSchema.optional(),
  profile: z
    .strictObject({
      state: z.enum(USER_STATES),
      firstname: z.string().optional(),
      lastname: z.string().optional(),
      phonenumber: z.string().optional(),
      altphonenumber: z.string().optional(),
      photo: z.string().optional(),
      language: z.string().optional(),
      notificationLanguage: z.string().optional(),
    })
    .optional(),
  serviceId: z
    .strictObject({
      locked: z.boolean(),
      description: z.string().optional(),
      uniqueInstanceCrns: z.array(z.string()).optional(),
    })
    .optional(),
})

export const userCodec: RowCodec<StoredUser> = {
  encode: (user) => user,
  decode: (stored) => {
    const { roles, ...user } = schema.parse(stored)
    return { ...user, roles: definedRoles(roles) }
  },
}

export function putUser(state: IamState, declared: User): Promise<User> {
  const { accounts, users, change } = state
  return change(() => {
    if (!accounts.get(declared.accountId)) {
      throw new CodedError<IamErrorCode>('UnknownAccount', `there is no account ${declared.accountId}`)
    }
    requireReadable(users, userKey(declared))
    const known = users.get(userKey(declared))
    if (!known && isAwsUserName(state, declared)) {
      throw conflict(`a user made by CreateUser has the name ${declared.iamId}`)
    }
    // What a declaration does not speak of stays: a user who was shut out is not let in by a restart.
    const user = { ...known, ...newUser(declared, known?.uid) }
    return { changes: known && sameUser(known, user) ? [] : [users.put(userKey(user), user)], result: user }
  })
}

function sameUser(one: User, other: User): boolean {
  const sameRoles = SERVICE_NAMES.every((service) => one.roles[service] === other.roles[service])
  return sameRoles && one.name === other.name && one.email === other.email
}

/** Throws IdentityInvalid. */
export function newUser({ accountId, iamId, name, email, roles }: User, uid: string = newUuid()): StoredUser {
  if (!/^[\x21-\x7e]{1,256}$/.test(iamId) || iamId.startsWith('crn-')) {
    throw invalid('an IAM id is 1 to 256 printable ASCII characters without spaces, and crn-… is for services')
  }
  return { accountId, iamId, name, email, roles: definedRoles(roles), uid }
}

/** Only roles that their service has. */
function definedRoles(roles: { readonly [Service in ServiceName]?: Role | undefined }): Roles {
  const defined: Partial<Record<ServiceName, Role>> = {}
  for (const service of SERVICE_NAMES) {
    const given = roles[service]
    if (given === undefined) continue
    if (!ROLES_OF_SERVICE[service].includes(given)) {
      throw invalid(`${service} has no role ${given}: ${ROLES_OF_SERVICE[service].join(', ')}`)
    }
    defined[service] = given
  }
  return defined
}

export function deleteUser(state: IamState, id: UserId): Promise<void> {
  return state.change(() => ({ changes: userRemoval(state, id), result: undefined }))
}

/** First the user, without whom the credentials are worth nothing; and what was granted to the user by policies. */
export function userRemoval(state: IamState, id: UserId): readonly Change[] {
  const { users, credentials, apiKeys } = state
  requireUser(users.get(userKey(id)), id)
  const owned = (row: UserId) => row.accountId === id.accountId && row.iamId === id.iamId
  const pairs = [...credentials.values()].filter(owned).map(({ accessKeyId }) => credentials.remove(accessKeyId))
  const keys = [...apiKeys.values()].filter(owned).map(({ hash }) => apiKeys.remove(hash))
  return [users.remove(userKey(id)), ...pairs, ...keys, ...removePoliciesOf(state, id)]
}

/** May act: with tokens, API keys and HMAC credentials. */
export const isActive = ({ profile }: StoredUser): boolean => profile === undefined || profile.state === 'ACTIVE'

export const isServiceId = ({ iamId }: Pick<UserId, 'iamId'>): boolean => iamId.startsWith('iam-ServiceId-')

export function requireUser(user: StoredUser | undefined, { accountId, iamId }: UserId): StoredUser {
  if (user) return user
  throw new CodedError<IamErrorCode>('UnknownUser', `there is no user ${iamId} in account ${accountId}`)
}

export function userPrincipal({ accountId, iamId, name, email, roles }: User): UserPrincipal {
  return { type: isServiceId({ iamId }) ? 'service-id' : 'user', iamId, accountId, name, email, roles }
}
