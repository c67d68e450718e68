import type { Clock } from '../base/clock.ts'
import { newUuid } from '../base/ids.ts'
import { keepAdministrator } from './administrators.ts'
import { findApiKey, newApiKey } from './api-keys.ts'
import { newLife, notFound, requireRevision, requireUnlocked, revisedLife } from './entity-life.ts'
import { conflict, invalid } from './errors.ts'
import { userKey } from './keyspace.ts'
import { newApiKeyText } from './new-secrets.ts'
import type { Actor, StoredApiKey, UserId } from './records.ts'
import type { IamState } from './state.ts'
import { requireUser } from './users.ts'

export const LEAK_ACTIONS = ['none', 'disable', 'delete'] as const

/** Everything about an API key but the key. */
export type ApiKey = Omit<StoredApiKey, 'hash'>

export interface ApiKeyDraft {
  readonly owner: UserId
  readonly name: string
  readonly description?: string | undefined
  /** Chosen by the caller: 32 characters at least. */
  readonly value?: string | undefined
  readonly expiresAtMs?: number | undefined
  readonly actionWhenLeaked?: string | undefined
  readonly locked?: boolean
  readonly disabled?: boolean
}

export interface ApiKeyPatch {
  readonly name?: string | undefined
  /** `''` removes it. */
  readonly description?: string | undefined
  /** `null` removes it. */
  readonly expiresAtMs?: number | null | undefined
  readonly actionWhenLeaked?: string | undefined
}

/** The only place where the key itself is ever seen: in the answer to its creation. */
export interface CreatedApiKey {
  readonly apiKey: StoredApiKey
  readonly value: string
}

/** Each throws EntityNotFound for one that is not there; changes also EntityLocked and, with `revision`, EntityConflict; LastAdministrator. */
export interface ApiKeys {
  /** Throws UnknownUser, IdentityInvalid, IdentityConflict for a key that is there already. */
  readonly create: (draft: ApiKeyDraft, by: Actor) => Promise<CreatedApiKey>
  readonly get: (id: string) => ApiKey
  readonly findByValue: (apiKey: string) => ApiKey | undefined
  readonly list: (accountId: string) => readonly ApiKey[]
  readonly update: (id: string, patch: ApiKeyPatch, by: Actor, revision?: number) => Promise<ApiKey>
  readonly setLocked: (id: string, locked: boolean, by: Actor) => Promise<void>
  /** From that moment neither it nor a token that it got is good; enabled, both are again. */
  readonly setDisabled: (id: string, disabled: boolean, by: Actor) => Promise<void>
  readonly delete: (id: string) => Promise<void>
}

export function createApiKeys(state: IamState, clock: Clock): ApiKeys {
  const { apiKeys, apiKeysById, users, change } = state
  const find = (id: string): StoredApiKey => {
    const found = apiKeysById.get(id)
    if (!found || !users.get(userKey(found))) throw notFound('API key')
    return found
  }
  const store = (row: StoredApiKey) => ({ changes: [apiKeys.put(row.hash, row)], result: withoutHash(row) })
  const toggle = async (id: string, member: 'locked' | 'disabled', value: boolean, by: Actor): Promise<void> => {
    await change(() => {
      const found = find(id)
      if (member === 'disabled') requireUnlocked(found)
      if (found[member] === value) return { changes: [], result: withoutHash(found) }
      const next = { ...found, [member]: value }
      keepAdministrator(state, { of: 'api-key', before: found, after: next })
      const action = { locked: ['UNLOCK', 'LOCK'], disabled: ['ENABLE', 'DISABLE'] }[member][value ? 1 : 0] ?? ''
      return store({ ...next, life: revisedLife(found.life, by, clock.now(), action) })
    })
  }

  return {
    create: (draft, by) =>
      change(() => {
        requireUser(users.get(userKey(draft.owner)), draft.owner)
        const created = apiKeyFrom(state, draft, by, clock.now())
        return { changes: [apiKeys.put(created.apiKey.hash, created.apiKey)], result: created }
      }),
    get: (id) => withoutHash(find(id)),
    findByValue: (value) => {
      const row = findApiKey(state, value)
      return row && users.get(userKey(row)) && withoutHash(row)
    },
    list: (accountId) => [...apiKeys.values()].filter((row) => row.accountId === accountId).map(withoutHash),
    update: (id, patch, by, revision) =>
      change(() => {
        const found = find(id)
        requireRevision(found.life, revision)
        requireUnlocked(found)
        const next = { ...found, ...checkedPatch(patch, clock.now()) }
        keepAdministrator(state, { of: 'api-key', before: found, after: next })
        return store({ ...next, life: revisedLife(found.life, by, clock.now(), 'UPDATE', Object.keys(patch)) })
      }),
    setLocked: (id, locked, by) => toggle(id, 'locked', locked, by),
    setDisabled: (id, disabled, by) => toggle(id, 'disabled', disabled, by),
    delete: (id) =>
      change(() => {
        const found = find(id)
        requireUnlocked(found)
        keepAdministrator(state, { of: 'api-key', before: found })
        return { changes: [apiKeys.remove(found.hash)], result: undefined }
      }),
  }
}

/** Throws IdentityInvalid, IdentityConflict. */
export function apiKeyFrom(state: IamState, draft: ApiKeyDraft, by: Actor, nowMs: number): CreatedApiKey {
  const { owner, locked = false, disabled = false } = draft
  if (draft.value !== undefined && draft.value.length < 32)
    throw invalid('an API key that is given has 32 characters at least')
  const value = draft.value ?? newApiKeyText()
  const row = newApiKey(owner, value, state.hashApiKey)
  if (state.apiKeys.get(row.hash)) throw conflict('the API key is not unique')
  const named = { name: draft.name, description: draft.description, actionWhenLeaked: draft.actionWhenLeaked ?? 'none' }
  const details = checkedPatch({ ...named, expiresAtMs: draft.expiresAtMs }, nowMs)
  const life = newLife(by, nowMs, 'CREATE')
  return { apiKey: { ...row, ...details, id: `ApiKey-${newUuid()}`, life, locked, disabled }, value }
}

/** Only what is given; throws IdentityInvalid. */
function checkedPatch({ name, description, expiresAtMs, actionWhenLeaked }: ApiKeyPatch, nowMs: number) {
  if (typeof expiresAtMs === 'number' && expiresAtMs <= nowMs) throw invalid('expires_at is in the past')
  return {
    ...(name === undefined ? {} : { name: checkedText('name', name, 256, 1) }),
    ...(description === undefined ? {} : { description: checkedText('description', description, 1024) || undefined }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs: expiresAtMs ?? undefined }),
    ...(actionWhenLeaked === undefined ? {} : { actionWhenLeaked }),
  }
}

/** Throws IdentityInvalid. */
export function checkedText(what: string, text: string, max: number, min = 0): string {
  if (text.length < min || text.length > max) throw invalid(`${what} has ${min} to ${max} characters`)
  return text
}

const withoutHash = ({ hash: _, ...row }: StoredApiKey): ApiKey => row
