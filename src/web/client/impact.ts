import { API, callJson } from './http.ts'

interface Sums {
  readonly objects: number
  readonly bytes: number
  readonly uploads: number
}

/** What lies in a bucket under a root key. */
export interface AffectedBucket extends Sums {
  readonly bucket: string
  readonly ofBucket: Sums
  /** Everything in it lies under the key. */
  readonly wholly: boolean
  /** What is new comes under the key: nothing can be written either. */
  readonly current: boolean
}

/** Who had data keys opened or made under it lately. */
export interface RecentReaders {
  /** How far back was looked. */
  readonly since: string
  readonly people: readonly {
    readonly id?: string
    readonly name?: string
    readonly uses: number
    readonly last: string
    readonly buckets: readonly string[]
  }[]
}

export interface Impact {
  readonly total: Sums & { readonly buckets: number }
  /** The largest first. */
  readonly buckets: readonly AffectedBucket[]
  /** Further buckets that the caller may not see. */
  readonly hidden: number
  /** Undefined: only administrators of the account may know. */
  readonly recent?: RecentReaders
}

export interface AuthorizationImpact extends Impact {
  /** Buckets that another authorization lets use their keys all the same. */
  readonly kept: readonly { readonly bucket: string }[]
}

/** What goes dark when the key is disabled or deleted. */
export const getKeyImpact = async (crn: string, signal?: AbortSignal): Promise<Impact> =>
  (await callJson(`${API}/admin/v1/keys/impact`, { query: { crn }, signal })) as Impact

/** What goes dark when the authorization is deleted. */
export const getAuthorizationImpact = async (id: string, signal?: AbortSignal): Promise<AuthorizationImpact> =>
  (await callJson(`${API}/admin/v1/authorizations/${encodeURIComponent(id)}/impact`, { signal })) as AuthorizationImpact
