import type { DecidedBy } from './activity.ts'
import type { RootKeyState } from './bucket-admin.ts'
import { API, callJson } from './http.ts'

/** Somebody of the account, or anybody, and whether they can read. */
export interface Reader {
  readonly kind: 'user' | 'service-id' | 'iam-user' | 'iam-role' | 'service' | 'anonymous'
  readonly id: string
  readonly arn?: string
  readonly name: string
  readonly email?: string
  readonly groups?: readonly string[]
  /** As far as rights go: of `some` it is `only`, of `most` all `except`. */
  readonly reads: 'all' | 'most' | 'some' | 'none'
  readonly only?: readonly string[]
  readonly except?: readonly string[]
  /** As the audit log has it. */
  readonly reason: string
  readonly decidedBy: DecidedBy
  /** Whether the root keys let it, too. */
  readonly readable: 'yes' | 'partly' | 'no'
}

export interface UsedRootKey {
  readonly crn: string
  readonly name?: string
  readonly aliases?: readonly string[]
  readonly state?: RootKeyState
  readonly encryption: 'provider-managed' | 'customer-managed'
  /** Wraps what is new in the bucket. */
  readonly current: boolean
  /** What lies under it can be read now. */
  readonly opens: boolean
  readonly refusal?: string
  readonly authorization?: { readonly granted: boolean; readonly reason: string; readonly decidedBy: DecidedBy }
}

export interface WhoCanRead {
  readonly bucket: string
  readonly rootKeys: readonly UsedRootKey[]
  readonly readers: readonly Reader[]
  readonly anybody: Reader
  readonly total: number
}

/** Of a bucket, or of one object in it. */
export const whoCanRead = async (bucket: string, signal?: AbortSignal, key?: string): Promise<WhoCanRead> =>
  (await callJson(`${API}/admin/v1/buckets/${encodeURIComponent(bucket)}/who-can-read`, {
    query: { limit: 1000, key },
    signal,
  })) as WhoCanRead

/** The root keys that a bucket's objects lie under, as their services answer now. */
export const rootKeysOf = async (bucket: string, signal?: AbortSignal): Promise<readonly UsedRootKey[]> =>
  (
    (await callJson(`${API}/admin/v1/buckets/${encodeURIComponent(bucket)}/who-can-read`, {
      query: { limit: 1 },
      signal,
    })) as WhoCanRead
  ).rootKeys
