import type { Role, ServiceName } from './principal.ts'

export interface Account {
  /** 32 hex digits */
  readonly id: string
  readonly name: string
  /** S3 owner id; any non-empty string, unique among accounts. The account id unless declared. */
  readonly canonicalId: string
}

/** What S3 answers as Owner. */
export interface Owner {
  readonly id: string
  readonly displayName: string
}

export interface Instance {
  /** `crn:v1:bluemix:public:<service>:<region>:a/<account>:<guid>::` */
  readonly crn: string
  /** Lower-case UUID. */
  readonly guid: string
  readonly service: ServiceName
  /** `global` for cloud-object-storage */
  readonly region: string
  readonly accountId: string
  readonly name: string
}

/** `sequence` keeps the order of creation: the first object storage instance of an account is the one HMAC users act in. */
export interface StoredInstance extends Instance {
  readonly sequence: number
  /** Absent: declared, and not changed through an API since. */
  readonly details?: InstanceDetails | undefined
}

export interface InstanceDetails {
  readonly life: EntityLife
  readonly planId: string
  readonly resourceGroupId: string
  /** May not be changed or deleted; works as before. */
  readonly locked: boolean
  /** Secrets of new resource keys are told once only. */
  readonly onetimeCredentials: boolean
  readonly allowCleanup: boolean
}

/** What is left of a deleted instance, so that whoever asks learns that it is gone. */
export interface RemovedInstance extends StoredInstance {
  readonly details: InstanceDetails
  readonly removedAtMs: number
  readonly removedBy: string
}

/** Credentials for an instance, made together. The secrets are where those of every identity are. */
export interface StoredResourceKey {
  readonly id: string
  readonly accountId: string
  readonly name: string
  /** CRN of the instance that it is for. */
  readonly sourceCrn: string
  readonly sourceGuid: string
  readonly resourceGroupId: string
  /** IAM id of the service id that the credentials are of. */
  readonly iamId: string
  /** The service id was made for this key and goes with it. */
  readonly ownsServiceId: boolean
  readonly apiKeyId: string
  readonly accessKeyId?: string | undefined
  readonly roleCrn?: string | undefined
  /** The access policy that was made for this key and goes with it. */
  readonly policyId?: string | undefined
  readonly onetimeCredentials: boolean
  readonly life: EntityLife
  readonly removed?: { readonly atMs: number; readonly by: string } | undefined
}

export type Roles = Readonly<Partial<Record<ServiceName, Role>>>

/** A user is a person (or a service id) in one account: the same `iamId` in two accounts is two users. */
export interface User extends UserId {
  readonly name: string
  readonly email: string
  readonly roles: Roles
}

export interface UserId {
  readonly accountId: string
  readonly iamId: string
}

/** `uid` is new for each creation: a token of a deleted user is not one of a later user of the same name. */
export interface StoredUser extends User {
  readonly uid: string
  /** Absent: declared, and not changed through an API since. */
  readonly life?: EntityLife | undefined
  /** Of a person. Absent: active, and nothing more is known. */
  readonly profile?: UserProfile | undefined
  /** Of a service id. Absent: not locked, no description. */
  readonly serviceId?: ServiceIdDetails | undefined
}

/** Who changes something, in which account they are. */
export interface Actor {
  readonly iamId: string
  readonly accountId: string
}

/** What IBM's APIs tell of the life of an identity or a credential. */
export interface EntityLife {
  readonly createdAtMs: number
  readonly createdBy: string
  readonly modifiedAtMs: number
  /** Grows by one with each change. */
  readonly revision: number
  /** The latest changes, oldest first. */
  readonly history: readonly HistoryEntry[]
}

export interface HistoryEntry {
  readonly atMs: number
  readonly iamId: string
  readonly accountId: string
  readonly action: string
  readonly params: readonly string[]
}

/** Only an `ACTIVE` user gets in. */
export const USER_STATES = ['ACTIVE', 'VPN_ONLY', 'DISABLED_CLASSIC_INFRASTRUCTURE'] as const
export type UserState = (typeof USER_STATES)[number]

export interface UserProfile {
  readonly state: UserState
  readonly firstname?: string | undefined
  readonly lastname?: string | undefined
  readonly phonenumber?: string | undefined
  readonly altphonenumber?: string | undefined
  readonly photo?: string | undefined
  readonly language?: string | undefined
  readonly notificationLanguage?: string | undefined
}

export interface ServiceIdDetails {
  /** May not be changed or deleted; works as before. */
  readonly locked: boolean
  readonly description?: string | undefined
  readonly uniqueInstanceCrns?: readonly string[] | undefined
}

export interface StoredCredential extends UserId {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** GUID of the object storage instance that it acts in. Absent: the account's first. */
  readonly instance?: string | undefined
  /** Absent: declared, or of a resource key. */
  readonly createdAtMs?: number | undefined
  /** Does not work. */
  readonly disabled?: boolean | undefined
}

/** Who an API key stands for. The key itself is never kept: `hash` is its HMAC under a key that is not in the store. */
export interface StoredApiKey extends UserId {
  readonly hash: string
  /** `ApiKey-<uuid>`: says nothing about the key. */
  readonly id: string
  readonly name: string
  readonly description?: string | undefined
  readonly life: EntityLife
  /** May not be changed or deleted; works as before. */
  readonly locked: boolean
  /** Does not work. */
  readonly disabled: boolean
  /** Does not work from then on. */
  readonly expiresAtMs?: number | undefined
  readonly actionWhenLeaked?: string | undefined
}

export type HashApiKey = (apiKey: string) => string

export interface SystemAuthorization {
  /** `instance` absent: every instance of that service, of every account. */
  readonly source: { readonly service: ServiceName; readonly instance?: string }
  /** A system instance, optionally one key of it. */
  readonly target: {
    readonly service: ServiceName
    readonly instance: string
    readonly resourceType?: string
    readonly resource?: string
  }
  readonly roles: readonly Role[]
}
