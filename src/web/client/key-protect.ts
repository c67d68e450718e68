import { announceChange } from './changes.ts'
import { API, callJson } from './http.ts'
import { isObject, listOf, member } from './json.ts'
import type { Instance } from './session.ts'

/** 0 is of keys that are not active yet; nobody makes those here. */
export const KEY_STATES = { 0: 'Preactive', 1: 'Active', 2: 'Suspended', 3: 'Deactivated', 5: 'Destroyed' } as const

export interface RootKey {
  readonly id: string
  readonly crn: string
  readonly name: string
  readonly aliases?: readonly string[]
  readonly description?: string
  readonly state: keyof typeof KEY_STATES
  readonly extractable: boolean
  readonly imported: boolean
  readonly keyRingID: string
  readonly creationDate: string
  readonly createdBy: string
  readonly lastUpdateDate: string
  readonly lastRotateDate?: string
  readonly expirationDate?: string
  readonly keyVersion?: KeyVersion
  readonly dualAuthDelete: {
    readonly enabled: boolean
    readonly keySetForDeletion?: boolean
    readonly authExpiration?: string
  }
  readonly rotation?: { readonly enabled: boolean; readonly interval_month: number }
  readonly deleted: boolean
  readonly deletionDate?: string
  readonly deletedBy?: string
  readonly restoreExpirationDate?: string
  readonly restoreAllowed?: boolean
  readonly purgeAllowed?: boolean
  readonly purgeAllowedFrom?: string
  readonly purgeScheduledOn?: string
}

export interface KeyVersion {
  readonly id: string
  readonly creationDate: string
}

export interface Registration {
  readonly keyId: string
  readonly keyName: string
  readonly resourceCrn: string
  readonly createdBy: string
  readonly creationDate: string
  readonly lastUpdated: string
  readonly preventKeyDeletion: boolean
  readonly keyVersion: KeyVersion
  readonly description?: string
}

export interface KeyPolicy {
  readonly type: string
  readonly rotation?: { readonly enabled: boolean; readonly interval_month: number }
  readonly dualAuthDelete?: { readonly enabled: boolean }
}

type Where = Pick<Instance, 'guid'>

const KEYS = `${API}/api/v2/keys`
const KEY_TYPE = 'application/vnd.ibm.kms.key+json'
const POLICY_TYPE = 'application/vnd.ibm.kms.policy+json'

async function ask(instance: Where, path: string, options: Parameters<typeof callJson>[1] = {}): Promise<unknown> {
  const headers = {
    'bluemix-instance': instance.guid,
    accept: 'application/vnd.ibm.kms.key+json, application/json',
    ...options.headers,
  }
  return callJson(path, { ...options, headers })
}

/** The things of a collection; Key Protect leaves `resources` out of an empty one. */
const resources = <Resource>(answer: unknown): readonly Resource[] => listOf(answer, 'resources') as readonly Resource[]

function only<Resource>(answer: unknown): Resource {
  const [resource] = resources<Resource>(answer)
  if (!isObject(resource)) throw new Error('the answer names no key')
  return resource
}

const collection = (type: string, of: object): object => ({
  metadata: { collectionType: type, collectionTotal: 1 },
  resources: [of],
})

const keyPath = (key: string): string => `${KEYS}/${encodeURIComponent(key)}`

export interface ListKeysInput {
  readonly search?: string
  /** Default: those that are active or suspended. `[0, 1, 2, 3, 5]` for all. */
  readonly states?: readonly number[]
  readonly limit?: number
  readonly offset?: number
  readonly signal?: AbortSignal | undefined
}

/** Root keys alone. */
export async function listKeys(instance: Where, input: ListKeysInput = {}): Promise<readonly RootKey[]> {
  const { search, states, limit = 2000, offset, signal } = input
  const query = { limit, offset, search: search || undefined, extractable: false, state: states?.join(',') }
  return resources(await ask(instance, KEYS, { query, signal }))
}

/** By id or alias. */
export const getKey = async (instance: Where, key: string, signal?: AbortSignal): Promise<RootKey> =>
  only(await ask(instance, `${keyPath(key)}/metadata`, { signal }))

export interface CreateKeyInput {
  readonly name: string
  readonly description?: string
  readonly aliases?: readonly string[]
  readonly keyRing?: string
  readonly expirationDate?: string
  /** Base64 of 32 bytes: imported. */
  readonly payload?: string
  /** Of a payload that an import token protects. */
  readonly encryptedNonce?: string
  readonly iv?: string
  readonly encryptionAlgorithm?: string
  readonly rotationMonths?: number
  readonly dualAuthDelete?: boolean
}

export async function createKey(instance: Where, input: CreateKeyInput): Promise<RootKey> {
  const { keyRing, rotationMonths, dualAuthDelete, ...members } = input
  const hasPolicies = rotationMonths !== undefined || dualAuthDelete !== undefined
  const json = collection(KEY_TYPE, {
    type: KEY_TYPE,
    extractable: false,
    ...members,
    ...(rotationMonths === undefined ? {} : { rotation: { enabled: true, interval_month: rotationMonths } }),
    ...(dualAuthDelete === undefined ? {} : { dualAuthDelete: { enabled: dualAuthDelete } }),
  })
  const headers = { 'content-type': KEY_TYPE, prefer: 'return=representation', 'x-kms-key-ring': keyRing }
  const path = hasPolicies ? `${API}/api/v2/keys_with_policy_overrides` : KEYS
  const created = only<RootKey>(await ask(instance, path, { method: 'POST', json, headers }))
  announceChange('keys')
  return created
}

/** The members of a key that brings its material, encrypted here. */
export interface SealedMaterial {
  readonly payload: string
  readonly encryptedNonce: string
  readonly iv: string
  readonly encryptionAlgorithm: 'RSAES_OAEP_SHA_256'
}

export type KeyAction = 'disable' | 'enable' | 'rotate' | 'setKeyForDeletion' | 'unsetKeyForDeletion' | 'sync'

/** `body`: new material for `rotate` of an imported key; why, for `disable`. */
export async function actOnKey(
  instance: Where,
  key: string,
  action: KeyAction,
  body?: Partial<SealedMaterial> | { readonly reason: string },
): Promise<void> {
  const sent =
    body === undefined ? {} : { json: body, headers: { 'content-type': 'application/vnd.ibm.kms.key_action+json' } }
  await ask(instance, `${keyPath(key)}/actions/${action}`, { method: 'POST', ...sent })
  announceChange('keys', 'buckets')
}

/** `force`: also one that something is registered under. */
export async function deleteKey(instance: Where, key: string, { force = false } = {}): Promise<void> {
  await ask(instance, keyPath(key), { method: 'DELETE', query: { force } })
  announceChange('keys', 'buckets')
}

export async function restoreKey(instance: Where, key: string): Promise<void> {
  await ask(instance, `${keyPath(key)}/restore`, { method: 'POST' })
  announceChange('keys', 'buckets')
}

export async function purgeKey(instance: Where, key: string): Promise<void> {
  await ask(instance, `${keyPath(key)}/purge`, { method: 'DELETE' })
  announceChange('keys')
}

/** The newest first. */
export const listKeyVersions = async (
  instance: Where,
  key: string,
  signal?: AbortSignal,
): Promise<readonly KeyVersion[]> =>
  resources(await ask(instance, `${keyPath(key)}/versions`, { query: { limit: 5000, allKeyStates: true }, signal }))

/** What is registered under a key, or under any key of the instance. */
export const listRegistrations = async (
  instance: Where,
  key?: string,
  signal?: AbortSignal,
): Promise<readonly Registration[]> =>
  resources(
    await ask(instance, key === undefined ? `${KEYS}/registrations` : `${keyPath(key)}/registrations`, {
      query: { limit: 5000 },
      signal,
    }),
  )

export async function putKeyPolicies(
  instance: Where,
  key: string,
  policies: readonly Omit<KeyPolicy, 'type'>[],
): Promise<void> {
  const json = {
    metadata: { collectionType: POLICY_TYPE, collectionTotal: policies.length },
    resources: policies.map((policy) => ({ type: POLICY_TYPE, ...policy })),
  }
  await ask(instance, `${keyPath(key)}/policies`, { method: 'PUT', json, headers: { 'content-type': POLICY_TYPE } })
  announceChange('keys')
}

export async function addAlias(instance: Where, key: string, alias: string): Promise<void> {
  await ask(instance, `${keyPath(key)}/aliases/${encodeURIComponent(alias)}`, { method: 'POST' })
  announceChange('keys')
}

export async function removeAlias(instance: Where, key: string, alias: string): Promise<void> {
  await ask(instance, `${keyPath(key)}/aliases/${encodeURIComponent(alias)}`, { method: 'DELETE' })
  announceChange('keys')
}

export const listKeyRings = async (instance: Where): Promise<readonly string[]> =>
  resources<unknown>(await ask(instance, `${API}/api/v2/key_rings`)).map((ring) => String(member(ring, 'id')))

export interface ImportToken {
  readonly payload: string
  readonly nonce: string
  readonly expirationDate: string
  readonly remainingRetrievals: number
}

export async function createImportToken(instance: Where, expirationSeconds = 600): Promise<void> {
  const json = { expiration: expirationSeconds, maxAllowedRetrievals: 1 }
  await ask(instance, `${API}/api/v2/import_token`, { method: 'POST', json })
}

export const getImportToken = async (instance: Where): Promise<ImportToken> =>
  (await ask(instance, `${API}/api/v2/import_token`)) as ImportToken

/** What people call a key by: its first alias, or its name. */
export const keyLabel = ({ aliases, name }: Pick<RootKey, 'aliases' | 'name'>): string => aliases?.[0] ?? name

/** Under a root key, and back: what comes back is `plaintext` again. Both base64. */
export async function wrapAndUnwrap(instance: Where, key: string, plaintext: string): Promise<string> {
  const headers = { 'content-type': 'application/vnd.ibm.kms.key_action+json' }
  const act = (action: string, json: object): Promise<unknown> =>
    ask(instance, `${keyPath(key)}/actions/${action}`, { method: 'POST', json, headers })
  const ciphertext = member(await act('wrap', { plaintext }), 'ciphertext')
  return String(member(await act('unwrap', { ciphertext }), 'plaintext'))
}
