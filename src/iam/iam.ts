import type { Clock } from '../base/clock.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import type { Account, Owner } from './accounts.ts'
import type { Action } from './actions.ts'
import type { AuthorizationQuestion, Authorizations } from './authorizations.ts'
import type { Credential } from './credentials.ts'
import type { Decision, Target } from './decide.ts'
import type { Identities } from './identities.ts'
import type { Instance } from './instances.ts'
import type { Principal, ServiceName, ServicePrincipal } from './principal.ts'
import type { SystemAuthorization } from './system.ts'
import type { Tokens } from './tokens.ts'

/**
 * Identities and decisions of one server. The state is in memory, loaded at open; every change is durable in the store
 * before it counts, so decisions are synchronous and a removed right is gone at once. One process owns the store.
 */
export interface Iam {
  readonly accounts: () => readonly Account[]
  readonly account: (id: string) => Account | undefined
  /** In order of creation; the system's own instances are not listed. */
  readonly instances: (filter?: { readonly service?: ServiceName; readonly accountId?: string }) => readonly Instance[]
  /** By GUID, or by CRN, which must agree in every segment up to the instance. Finds the system's instances too. */
  readonly instance: (crnOrGuid: string) => Instance | undefined
  /** S3 owner: canonical id and display name of an account. */
  readonly owner: (accountId: string) => Owner | undefined
  readonly findCredential: (accessKeyId: string) => Credential | undefined
  /** Throws InvalidToken or ExpiredToken. The rights are the ones of now, not those of the time of issue. */
  readonly verifyToken: (jwt: string) => Promise<Principal>
  /** The identity of a service acting for one of its instances, for callers in this process. Throws UnknownInstance. */
  readonly servicePrincipal: (instanceCrn: string) => ServicePrincipal
  readonly decide: (principal: Principal, action: Action, target: Target) => Decision
  readonly isAuthorized: (question: AuthorizationQuestion) => boolean
  readonly authorizations: Authorizations
  readonly tokens: Tokens
  /** What bootstrap and administration change. */
  readonly identities: Identities
  /** An instance of the server itself, in the system account: in memory only, invisible in lists, no user reaches it. */
  readonly declareSystemInstance: (instance: {
    readonly service: ServiceName
    readonly id: string
    readonly name: string
    readonly region: string
  }) => Instance
  /** In memory only, declared at every start; invisible to users and not deletable by them. */
  readonly declareSystemAuthorization: (authorization: SystemAuthorization) => void
}

export interface IamOptions {
  /** Already sealed: values reach the disk encrypted. */
  readonly store: MetadataStore
  /** 32 bytes. Seals HMAC secrets once more and keys the hashes of API keys. */
  readonly secretKey: Buffer
  /** 32 bytes. Seals the token signing key. */
  readonly tokenKey: Buffer
  readonly clock: Clock
  /** `iss` of the tokens, e.g. `https://iam.cloud.ibm.com/identity`. */
  readonly issuer: string
}
