import type { Clock } from '../base/clock.ts'
import { CodedError } from '../base/errors.ts'
import { noAudit } from '../observe/audit-trail.ts'
import type { ChangedRow, FollowRows } from '../storage/metadata/changed-row.ts'
import type { MetadataStore, Space } from '../storage/metadata/metadata-store.ts'
import { accountsOfEmail, ownerOf } from './accounts.ts'
import type { Action } from './actions.ts'
import { type ApiKeys, createApiKeys } from './api-key-management.ts'
import type { IamAudit } from './audit.ts'
import { type Authorizations, authorizationPolicy } from './authorizations.ts'
import { type AwsIdentities, createAwsIdentities, type OidcSettings } from './aws/aws-identities.ts'
import { createSessions } from './aws/sessions.ts'
import { type Credential, findCredential } from './credentials.ts'
import { type CustomRoles, createCustomRoles } from './custom-roles.ts'
import { type Decision, decide, decideForInstance, isOperator, type Target } from './decide.ts'
import { decidePolicy, type PolicyAction } from './decide-policy.ts'
import type { IamErrorCode } from './errors.ts'
import { createIdentities, type Identities } from './identities.ts'
import { findInstance, type Instance, type InstanceFilter, listInstances } from './instances.ts'
import { IAM_SPACE } from './keyspace.ts'
import { type KnownPrincipal, knownPrincipal, knownPrincipals } from './known-principals.ts'
import { createMandates, type Mandates } from './mandates.ts'
import type { IssuerDocumentErrorCode } from './oidc/issuer-keys.ts'
import { openState } from './open-state.ts'
import { createPolicies, type Policies } from './policies.ts'
import type { PolicyDraft } from './policy.ts'
import type { Principal, ServicePrincipal } from './principal.ts'
import type { Account, Owner, SystemAuthorization } from './records.ts'
import { createRefreshTokens } from './refresh-tokens.ts'
import { createResourceInstances, type ResourceInstances } from './resource-instances.ts'
import { createResourceKeys, type ResourceKeys } from './resource-keys.ts'
import { createServiceIds, type ServiceIds } from './service-ids.ts'
import { openSigningKeys, type SigningKeySettings, type SigningKeys } from './signing-keys.ts'
import type { IamState } from './state.ts'
import { declareSystemAuthorization, declareSystemInstance, type SystemInstanceDeclaration } from './system.ts'
import type { IamDamage, TableStore } from './table.ts'
import { DEFAULT_SIGNING_KEY_SETTINGS, DEFAULT_TOKEN_SETTINGS, type TokenSettings } from './token-settings.ts'
import { createTokens, servicePrincipalOf, type Tokens } from './tokens.ts'
import { unnoted } from './unnoted.ts'
import { createPeople, type People } from './user-management.ts'

/**
 * Identities and decisions of one server. The state is in memory, loaded at open; every change is durable in the store
 * before it counts, so decisions are synchronous and a removed right is gone at once. One process owns the store.
 */
export interface Iam {
  /** `iss` of the tokens. */
  readonly issuer: string
  readonly accounts: () => readonly Account[]
  /** Also when no stored account can be read. */
  readonly isFounded: () => boolean
  /** How many stored rows could not be read at the start: what they are of is refused. */
  readonly damagedRows: () => number
  readonly account: (id: string) => Account | undefined
  /** Of the people with this address, in no order. */
  readonly accountsOfEmail: (email: string) => readonly Account[]
  /** In order of creation; the system's own instances are not listed. */
  readonly instances: (filter?: InstanceFilter) => readonly Instance[]
  /** By GUID, or by CRN, which must agree in every segment. Finds the system's instances too. */
  readonly instance: (crnOrGuid: string) => Instance | undefined
  /** S3 owner: canonical id and display name of an account. */
  readonly owner: (accountId: string) => Owner | undefined
  /** With the session token: also temporary ones, which may have expired. What it says counts only once the signature does. */
  readonly findCredential: (accessKeyId: string, sessionToken?: string) => Credential | undefined
  /** Throws InvalidToken or ExpiredToken. The rights are the ones of now, not those of the time of issue. */
  readonly verifyToken: (jwt: string) => Promise<Principal>
  /** The identity of a service acting for an account's instance, for callers in this process. Throws UnknownInstance. */
  readonly servicePrincipal: (instanceCrn: string) => ServicePrincipal
  readonly decide: (principal: Principal, action: Action, target: Target) => Decision
  /** `decide`, for whoever wants to know: nothing is noted of it. `without`: as if this policy were not there. */
  readonly explain: (principal: Principal, action: Action, target: Target, without?: string) => Decision
  /** Do Administrators of the account decide about what all accounts share? */
  readonly isOperator: (accountId: string) => boolean
  /** Everybody of an account who can ask for something, in no order. */
  readonly principals: (accountId: string) => Iterable<KnownPrincipal>
  /** By IAM id, unique id or ARN; a service by the CRN of its instance. */
  readonly principal: (accountId: string, name: string) => KnownPrincipal | undefined
  /** `decide` for a service that acts for this instance, without the reason. */
  readonly isAuthorized: (sourceInstanceCrn: string, target: Target, action: Action) => boolean
  /** `decide` for what is done to a policy: the right may be to what the policy speaks of, not to the whole account. */
  readonly decidePolicy: (principal: Principal, action: PolicyAction, policy: PolicyDraft) => Decision
  readonly policies: Policies
  /** The short way to policies between services. */
  readonly authorizations: Authorizations
  readonly customRoles: CustomRoles
  readonly tokens: Tokens
  readonly signingKeys: SigningKeys
  readonly serviceIds: ServiceIds
  readonly apiKeys: ApiKeys
  readonly people: People
  readonly resourceInstances: ResourceInstances
  readonly resourceKeys: ResourceKeys
  readonly aws: AwsIdentities
  readonly mandates: Mandates
  /** What bootstrap and administration change. */
  readonly identities: Identities
  /** Where whoever serves a call says what came of it. */
  readonly audit: IamAudit
  /** An instance of the server itself, in the system account: in memory only, invisible in lists, no user reaches it. */
  readonly declareSystemInstance: (instance: SystemInstanceDeclaration) => Instance
  /** In memory only, declared at every start; invisible to users and not deletable by them. */
  readonly declareSystemAuthorization: (authorization: SystemAuthorization) => void
  /** For a thread that follows another one, which alone changes anything: takes in what that one has committed. */
  readonly follow: (rows: readonly ChangedRow[]) => Promise<void>
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
  /** The account whose Administrators may change what all accounts share. Default: the only one there is, if it is. */
  readonly operatorAccountId?: string | undefined
  /** Default: nothing is recorded. */
  readonly audit?: IamAudit
  /** Default: no identity provider is asked. */
  readonly oidc?: OidcSettings
  /** Told of each stored row that cannot be read. */
  readonly onDamage?: (damage: IamDamage) => void
  readonly settings?: Partial<TokenSettings & { readonly signingKey: SigningKeySettings }>
}

/** Throws IamStateDamaged when nothing of what is stored can be read: that is no damage but another key. */
export async function openIam({
  store,
  secretKey,
  tokenKey,
  clock,
  issuer,
  operatorAccountId,
  audit = noAudit,
  onDamage = () => {},
  oidc = NO_OIDC,
  settings,
}: IamOptions): Promise<Iam> {
  const { tokenLifeMs, refreshTokenLifeMs } = { ...DEFAULT_TOKEN_SETTINGS, ...settings }
  let damagedRows = 0
  const follows = new Map<Space, FollowRows>()
  const rows: TableStore = {
    store,
    follows,
    onDamage: (damage) => {
      damagedRows++
      onDamage(damage)
    },
  }
  const state = await openState({ rows, secretKey, clock, operatorAccountId })
  if (damagedRows > 0 && !canReadAnything(state)) {
    throw new CodedError<IamErrorCode>('IamStateDamaged', 'no stored identity can be read with this instance key')
  }
  const policies = createPolicies(state)
  const sessions = createSessions(state, { tokenKey, clock })
  const signingKeySettings = settings?.signingKey ?? DEFAULT_SIGNING_KEY_SETTINGS
  const keys = await openSigningKeys({ rows, tokenKey, clock, settings: signingKeySettings })
  const refreshTokens = createRefreshTokens({ tokenKey, clock, lifeMs: refreshTokenLifeMs })
  const tokens = createTokens({ state, keys, refreshTokens, clock, issuer, tokenLifeMs })
  return {
    issuer,
    accounts: () => [...state.accounts.values()],
    isFounded: () => state.accounts.size() > 0,
    damagedRows: () => damagedRows,
    account: state.accounts.get,
    accountsOfEmail: (email) => accountsOfEmail(state, email),
    instances: (filter) => listInstances(state, filter),
    instance: (crnOrGuid) => findInstance(state, crnOrGuid),
    owner: (accountId) => ownerOf(state, accountId),
    findCredential: (accessKeyId, sessionToken) =>
      sessionToken === undefined || state.credentials.get(accessKeyId)
        ? findCredential(state, accessKeyId)
        : sessions.find(accessKeyId, sessionToken),
    verifyToken: tokens.verify,
    servicePrincipal: (instanceCrn) => servicePrincipalOf(state, instanceCrn),
    decide: (principal, action, target) => decide(state, principal, action, target),
    explain: (principal, action, target, without) => decide(unnoted(state, without), principal, action, target),
    isOperator: (accountId) => isOperator(state, accountId),
    principals: (accountId) => knownPrincipals(state, accountId),
    principal: (accountId, name) => knownPrincipal(state, accountId, name),
    isAuthorized: (sourceInstanceCrn, target, action) => {
      const asking = findInstance(state, sourceInstanceCrn)
      return asking !== undefined && decideForInstance(state, asking, action, target).allowed
    },
    decidePolicy: (principal, action, policy) => decidePolicy(state, principal, action, policy),
    policies,
    authorizations: {
      create: (draft, by) => policies.create(authorizationPolicy(draft), by),
      delete: policies.delete,
    },
    customRoles: createCustomRoles(state),
    tokens,
    signingKeys: keys,
    serviceIds: createServiceIds(state, clock),
    apiKeys: createApiKeys(state, clock),
    people: createPeople(state, clock),
    resourceInstances: createResourceInstances(state, clock),
    resourceKeys: createResourceKeys(state, clock),
    mandates: createMandates(state),
    aws: createAwsIdentities(state, sessions, oidc),
    identities: createIdentities(state),
    audit,
    declareSystemInstance: (instance) => declareSystemInstance(state, instance),
    declareSystemAuthorization: (authorization) => declareSystemAuthorization(state, authorization),
    follow: async (changes) => {
      const bySpace = Map.groupBy(changes, ({ space }) => space)
      const applied = await Promise.all(Array.from(bySpace, ([space, of]) => follows.get(space)?.(of)))
      for (const apply of applied) apply?.()
      if (bySpace.has(IAM_SPACE.signingKey)) await keys.follow()
    },
  }
}

const NO_OIDC: OidcSettings = {
  httpIssuers: new Set(),
  fetchDocument: async () => {
    throw new CodedError<IssuerDocumentErrorCode>('IssuerUnreachable', 'identity providers are not asked here')
  },
}

const canReadAnything = ({ accounts, users, instances, policies }: IamState): boolean =>
  [accounts, users, instances, policies].some((table) => !table.values()[Symbol.iterator]().next().done)
