import { type BucketKeyState, getBucketUsage, listBucketStates, type Totals } from './admin.ts'
import { isStatus } from './api-error.ts'
import { getKey, keyLabel, listKeyVersions, type RootKey } from './key-protect.ts'
import { getBucketConfig, getVersioning, headBucket, type Versioning } from './s3.ts'
import { type Instance, keyInstances, session } from './session.ts'
import { rootKeysOf, type UsedRootKey } from './who-can-read.ts'
import { parseXml } from './xml.ts'

export interface BucketFacts {
  readonly name: string
  readonly location: string
  /** Undefined: not for whoever is signed in to know. */
  readonly isCustomerManaged: boolean | undefined
  /** Undefined: provider-managed, or not for whoever is signed in to know. */
  readonly rootKeyCrn: string | undefined
  readonly rootKey: BucketRootKey | undefined
  readonly keyState: BucketKeyState | undefined
  readonly versioning: Versioning | undefined
  readonly usage: Totals | undefined
  readonly lock: BucketLock | undefined
}

export interface BucketRootKey {
  readonly key: RootKey
  readonly instance: Instance
  readonly label: string
  /** The newest. */
  readonly version: number | undefined
}

/** Why its contents are refused. */
export type LockCause = 'disabled' | 'expired' | 'deleted' | 'unauthorized' | 'unreachable' | 'wrong-key' | 'refused'

export interface BucketLock {
  readonly cause: LockCause
  /** As the key service says it. */
  readonly refusal: string | undefined
}

/** All that is shown of a bucket on each of its tabs, as far as whoever is signed in may know it. Throws when there is no such bucket. */
export async function readBucketFacts(name: string, signal?: AbortSignal): Promise<BucketFacts> {
  const known = <Value>(asked: Promise<Value>): Promise<Value | undefined> => asked.catch(() => undefined)
  const [head, location, states, versioning, usage, used] = await Promise.all([
    headBucket(name, signal).catch((error: unknown) => {
      // Whoever may not list it may do other things with it.
      if (isStatus(error, 403)) return undefined
      throw error
    }),
    known(getBucketConfig(name, 'location', signal)),
    known(listBucketStates(signal)),
    known(getVersioning(name, signal)),
    known(getBucketUsage(name, signal)),
    known(rootKeysOf(name, signal)),
  ])
  const keyState = states?.find(({ bucket }) => bucket === name)
  const isCustomerManaged = head && head.get('ibm-sse-kp-enabled') === 'true'
  const rootKeyCrn = head?.get('ibm-sse-kp-customer-root-key-crn') ?? head?.get('ibm-sse-kp-crk-id') ?? undefined
  const rootKey = rootKeyCrn === undefined ? undefined : await known(readRootKey(rootKeyCrn, signal))
  return {
    ...{ name, isCustomerManaged, rootKeyCrn, rootKey, keyState, versioning, usage },
    location: (location && parseXml(location)?.textContent) || (session().s3?.region ?? ''),
    lock: lockOf(
      rootKey?.key,
      keyState,
      used?.find(({ current }) => current),
    ),
  }
}

export async function readRootKey(crn: string, signal?: AbortSignal): Promise<BucketRootKey | undefined> {
  const parts = crn.split(':')
  const instance = keyInstances().find(({ guid }) => guid === parts[7])
  const id = parts[9]
  if (!instance || id === undefined) return undefined
  const [key, versions] = await Promise.all([
    getKey(instance, id, signal),
    listKeyVersions(instance, id, signal).catch(() => undefined),
  ])
  return { key, instance, label: keyLabel(key), version: versions?.length }
}

const BY_STATE: Readonly<Record<number, LockCause>> = { 2: 'disabled', 3: 'expired', 5: 'deleted' }
const BY_REFUSAL: Readonly<Record<string, LockCause>> = {
  RootKeyDisabled: 'disabled',
  RootKeyNotFound: 'deleted',
  KeyAccessDenied: 'unauthorized',
  KeyProviderUnavailable: 'unreachable',
}

/** Of a root key. Undefined: it can be used. */
export const causeOfState = (state: number): LockCause | undefined => BY_STATE[state]

export const causeOf = (refusal: string): LockCause => BY_REFUSAL[refusal] ?? 'refused'

/** What the key service says now goes before what the store found when it looked last. */
function lockOf(
  key: RootKey | undefined,
  keyState: BucketKeyState | undefined,
  used: UsedRootKey | undefined,
): BucketLock | undefined {
  const refusal = used ? used.refusal : keyState?.keys.find((one) => one.refusal !== undefined)?.refusal
  if (keyState?.state === 'locked') return { cause: 'wrong-key', refusal }
  const byState = key && causeOfState(key.state)
  if (byState !== undefined && (used === undefined || !used.opens)) return { cause: byState, refusal }
  if (refusal === undefined) return undefined
  const byRefusal = causeOf(refusal)
  // It was enabled or restored since the store looked.
  const isOld = !used && key?.state === 1 && (byRefusal === 'disabled' || byRefusal === 'deleted')
  return isOld ? undefined : { cause: byRefusal, refusal }
}
