import { type AccountDeclaration, newAccount, putAccount } from './accounts.ts'
import { newApiKey, putApiKey } from './api-keys.ts'
import { deleteCredential, type HmacPair, newCredential, putCredential } from './credentials.ts'
import { conflict } from './errors.ts'
import { type Instance, type InstanceDeclaration, newInstance, putInstance } from './instances.ts'
import { userKey } from './keyspace.ts'
import type { Account, User, UserId } from './records.ts'
import type { IamState } from './state.ts'
import { deleteUser, newUser, putUser } from './users.ts'

/**
 * Changes of identities. Each `put…` declares: it creates, changes what differs, and writes nothing when nothing does.
 * Throws IdentityConflict, IdentityInvalid, UnknownAccount, UnknownUser.
 */
export interface Identities {
  readonly putAccount: (account: AccountDeclaration) => Promise<Account>
  readonly putInstance: (instance: InstanceDeclaration) => Promise<Instance>
  readonly putUser: (user: User) => Promise<User>
  readonly users: (accountId: string) => readonly User[]
  /** With its credentials and API keys; its tokens are refused at once. */
  readonly deleteUser: (id: UserId) => Promise<void>
  readonly putCredential: (id: UserId, pair: HmacPair) => Promise<void>
  readonly credentials: (id: UserId) => readonly { readonly accessKeyId: string }[]
  readonly deleteCredential: (accessKeyId: string) => Promise<void>
  readonly putApiKey: (id: UserId, apiKey: string) => Promise<void>
  /** An account with everything its first user needs, all or nothing. Throws IdentityConflict when there is any account. */
  readonly found: (founding: Founding) => Promise<void>
}

export interface Founding {
  readonly account: AccountDeclaration
  readonly instances: readonly Omit<InstanceDeclaration, 'accountId'>[]
  readonly user: Omit<User, 'accountId'>
  readonly hmac: HmacPair
  readonly apiKey: string
}

export function createIdentities(state: IamState): Identities {
  const { users, credentials } = state
  return {
    putAccount: (account) => putAccount(state, account),
    putInstance: (instance) => putInstance(state, instance),
    putUser: (user) => putUser(state, user),
    users: (accountId) => [...users.values()].filter((user) => user.accountId === accountId).map(withoutUid),
    deleteUser: (id) => deleteUser(state, id),
    putCredential: (id, pair) => putCredential(state, id, pair),
    credentials: (id) =>
      [...credentials.values()]
        .filter((row) => userKey(row) === userKey(id))
        .map(({ accessKeyId }) => ({ accessKeyId })),
    deleteCredential: (accessKeyId) => deleteCredential(state, accessKeyId),
    putApiKey: (id, apiKey) => putApiKey(state, id, apiKey),
    found: (founding) => found(state, founding),
  }
}

const withoutUid = ({ accountId, iamId, name, email, roles }: User): User => ({ accountId, iamId, name, email, roles })

function found(state: IamState, founding: Founding): Promise<void> {
  return state.change(() => {
    if (state.accounts.size() > 0) throw conflict('there is an account already')
    const account = newAccount(founding.account)
    const owned = { accountId: account.id }
    const instances = founding.instances.map((one, index) => newInstance({ ...one, ...owned }, index + 1))
    const user = newUser({ ...founding.user, ...owned })
    const credential = newCredential(user, founding.hmac)
    const apiKey = newApiKey(user, founding.apiKey, state.hashApiKey)
    const changes = [
      state.accounts.put(account.id, account),
      ...instances.map((one) => state.instances.put(one.guid, one)),
      state.users.put(userKey(user), user),
      state.credentials.put(credential.accessKeyId, credential),
      state.apiKeys.put(apiKey.hash, apiKey),
    ]
    return { changes, result: undefined }
  })
}
