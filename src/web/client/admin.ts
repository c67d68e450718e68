import { announceChange } from './changes.ts'
import { API, callJson } from './http.ts'
import { listOf, member } from './json.ts'
import type { Versioning } from './s3.ts'

const ADMIN = `${API}/admin/v1`

export interface BucketKeyState {
  readonly bucket: string
  readonly state: string
  readonly reason?: string
  readonly keys: readonly {
    readonly rootKeyCrn: string
    readonly state: string
    readonly checkedAt?: string
    readonly refusal?: string
  }[]
}

/** Each as far as whoever is signed in may know it. */
export interface BucketDetails extends BucketKeyState {
  readonly encryption: 'provider-managed' | 'customer-managed'
  readonly rootKeyCrn?: string
  readonly versioning?: Versioning
  readonly usage?: Totals
}

export interface Totals {
  readonly objects: number
  readonly bytes: number
  readonly [other: string]: number
}

export interface Job {
  readonly bucket: string
  readonly state: string
  readonly examined: number
  readonly rewrapped: number
  /** Of one that seals contents anew: how much it has. */
  readonly reencrypts?: { readonly versions: number; readonly bytes: number; readonly damaged: number }
  readonly startedAt: string
  readonly finishedAt?: string
  readonly problem?: string
  /** Root keys that refused: what lies under them is as it was. */
  readonly refusals?: readonly { readonly rootKeyCrn: string; readonly problem: string }[]
}

/** What lies under one version of a root key. */
export interface VersionUsage {
  readonly keyVersion: string
  readonly objects: number
  readonly bytes: number
  readonly uploads: number
  readonly metadataKeys: number
  readonly bucketKeys: number
}

export interface BucketUse {
  readonly name: string
  /** The key wraps what is new in it. */
  readonly current: boolean
  readonly versions: readonly VersionUsage[]
}

export interface KeyUsage {
  readonly rootKeyCrn: string
  readonly versions: readonly VersionUsage[]
  readonly buckets: readonly BucketUse[]
  /** After a rotation, with nobody asking for it. */
  readonly rewrapsByItself: boolean
}

export const listBucketStates = async (signal?: AbortSignal): Promise<readonly BucketKeyState[]> =>
  listOf(await callJson(`${ADMIN}/buckets`, { signal }), 'buckets') as readonly BucketKeyState[]

/** Of all buckets at once: there may be thousands. */
export const listBucketDetails = async (signal?: AbortSignal): Promise<readonly BucketDetails[]> =>
  listOf(
    await callJson(`${ADMIN}/buckets`, { query: { details: 'true' }, signal }),
    'buckets',
  ) as readonly BucketDetails[]

export const getBucketUsage = async (bucket: string, signal?: AbortSignal): Promise<Totals> =>
  (await callJson(`${ADMIN}/buckets/${encodeURIComponent(bucket)}/usage`, { signal })) as Totals

export const getKeyUsage = async (rootKeyCrn: string, signal?: AbortSignal): Promise<KeyUsage> =>
  (await callJson(`${ADMIN}/keys/usage`, { query: { crn: rootKeyCrn }, signal })) as KeyUsage

export const listJobs = async (signal?: AbortSignal): Promise<readonly Job[]> =>
  listOf(await callJson(`${ADMIN}/jobs`, { signal }), 'jobs') as readonly Job[]

const bucketCall = async (method: 'POST' | 'PUT', bucket: string, what: string, json?: unknown): Promise<unknown> => {
  const answer = await callJson(`${ADMIN}/buckets/${encodeURIComponent(bucket)}/${what}`, { method, json })
  announceChange('jobs', 'buckets', 'keys')
  return answer
}

export const startRewrap = (bucket: string): Promise<unknown> => bucketCall('POST', bucket, 'rewrap')
export const cancelRewrap = (bucket: string): Promise<unknown> => bucketCall('POST', bucket, 'rewrap/cancel')
export const pauseRewrap = (bucket: string): Promise<unknown> => bucketCall('POST', bucket, 'rewrap/pause')
export const resumeRewrap = (bucket: string): Promise<unknown> => bucketCall('POST', bucket, 'rewrap/resume')

/** `rootKeyCrn`: undefined for provider-managed encryption. `reencrypt`: contents are sealed anew, under new data keys. */
export const moveBucket = (bucket: string, rootKeyCrn: string | undefined, reencrypt: boolean): Promise<unknown> =>
  bucketCall('PUT', bucket, 'encryption', {
    ...(rootKeyCrn === undefined ? { encryption: 'provider-managed' } : { encryption: 'customer-managed', rootKeyCrn }),
    reencrypt,
  })

/** Of the server, to who manages every bucket. */
export interface ServerSettings {
  readonly providerManaged: { readonly rootKeyCrn: string; readonly objects: number; readonly bytes: number }
  readonly notificationTargets: readonly {
    readonly name: string
    readonly kind: 'webhook' | 'nats'
    readonly host: string
    readonly arn: string
  }[]
}

export const getServerSettings = async (signal?: AbortSignal): Promise<ServerSettings> =>
  (await callJson(`${ADMIN}/settings`, { signal })) as ServerSettings

export const getScrub = async (signal?: AbortSignal): Promise<unknown> =>
  member(await callJson(`${ADMIN}/scrub`, { signal }), 'scrub')
export const startScrub = (): Promise<unknown> => callJson(`${ADMIN}/scrub`, { method: 'POST' })
export const listScrubFindings = (signal?: AbortSignal): Promise<unknown> =>
  callJson(`${ADMIN}/scrub/findings`, { signal })
