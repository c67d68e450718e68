import { getKeyImpact, type Impact, type RecentReaders } from '../../client/impact.ts'
import { listRegistrations, type RootKey } from '../../client/key-protect.ts'
import { type Instance, session } from '../../client/session.ts'
import { bucketOf } from '../keys/read-keys.ts'

/** A bucket that goes dark. */
export interface DarkBucket {
  readonly name: string
  /** Undefined: it may not be known. */
  readonly objects: number | undefined
  readonly bytes: number | undefined
  readonly uploads: number | undefined
}

export interface Darkness {
  readonly buckets: readonly DarkBucket[]
  /** Further ones, that may not be seen. */
  readonly hidden: number
  /** Undefined: only administrators of the account may know. */
  readonly recent: RecentReaders | undefined
}

/** What cannot be read or written when the key cannot be used, and who would notice. */
export async function darknessOfKey(instance: Instance, key: RootKey, signal?: AbortSignal): Promise<Darkness> {
  const [impact, registrations] = await Promise.all([
    session().halves.objects ? getKeyImpact(key.crn, signal) : undefined,
    listRegistrations(instance, key.id, signal).catch(() => []),
  ])
  const known = darknessOf(impact)
  // Of stores elsewhere the key service knows that they use the key, and no more.
  const elsewhere = registrations
    .map(({ resourceCrn }) => bucketOf(resourceCrn))
    .filter((name) => !known.buckets.some((bucket) => bucket.name === name))
    .map((name): DarkBucket => ({ name, objects: undefined, bytes: undefined, uploads: undefined }))
  return { ...known, buckets: [...known.buckets, ...elsewhere] }
}

export const darknessOf = (impact: Impact | undefined): Darkness => ({
  buckets: (impact?.buckets ?? []).map(({ bucket, objects, bytes, uploads }) => ({
    name: bucket,
    ...{ objects, bytes, uploads },
  })),
  hidden: impact?.hidden ?? 0,
  recent: impact?.recent,
})
