import type { Account } from './accounts.ts'
import type { Instance } from './instances.ts'
import type { Role, ServiceName } from './principal.ts'

export type Roles = Readonly<Partial<Record<ServiceName, Role>>>

export interface User {
  readonly iamId: string
  readonly accountId: string
  readonly name: string
  readonly email: string
  readonly roles: Roles
}

/** A user is a person in one account: the same `iamId` in two accounts is two users. */
export interface UserId {
  readonly accountId: string
  readonly iamId: string
}

/**
 * Changes of identities. Each `put…` declares: it creates, changes what differs, and writes nothing when nothing does.
 * Throws IdentityConflict, IdentityInvalid, UnknownAccount, UnknownUser.
 */
export interface Identities {
  readonly putAccount: (account: {
    readonly id: string
    readonly name: string
    readonly canonicalId?: string
  }) => Promise<Account>
  readonly putInstance: (
    instance: Pick<Instance, 'guid' | 'service' | 'region' | 'accountId' | 'name'>,
  ) => Promise<Instance>
  readonly putUser: (user: User) => Promise<User>
  readonly users: (accountId: string) => readonly User[]
  /** With its credentials, API keys; its tokens are refused at once. */
  readonly deleteUser: (id: UserId) => Promise<void>
  readonly putCredential: (
    id: UserId,
    pair: { readonly accessKeyId: string; readonly secretAccessKey: string },
  ) => Promise<void>
  readonly credentials: (id: UserId) => readonly { readonly accessKeyId: string }[]
  readonly deleteCredential: (accessKeyId: string) => Promise<void>
  readonly putApiKey: (id: UserId, apiKey: string) => Promise<void>
}
