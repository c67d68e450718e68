import { type ActivityEntry, listActivity, whoOf } from '../../client/activity.ts'
import { getKeyUsage, type KeyUsage } from '../../client/admin.ts'
import { listRegistrations, type RootKey } from '../../client/key-protect.ts'
import { type Instance, session } from '../../client/session.ts'
import { bucketOf } from '../keys/read-keys.ts'

/** A bucket that goes dark with a key. */
export interface DarkBucket {
  readonly name: string
  /** Undefined: it may not be known. */
  readonly objects: number | undefined
  readonly bytes: number | undefined
  readonly uploads: number | undefined
}

/** Somebody who used what goes dark in the last hour. */
export interface Noticer {
  readonly id: string
  readonly name: string
  readonly kind: string
  readonly requests: number
  readonly last: ActivityEntry
}

export interface Impact {
  readonly buckets: readonly DarkBucket[]
  /** Undefined: only administrators of the account may know. */
  readonly noticers: readonly Noticer[] | undefined
}

const HOUR_MS = 3_600_000
const MOST_LINES = 1000

/** What cannot be read or written when the key cannot be used, and who would notice. */
export async function impactOfKey(instance: Instance, key: RootKey, signal?: AbortSignal): Promise<Impact> {
  const [registrations, usage, recent] = await Promise.all([
    listRegistrations(instance, key.id, signal).catch(() => []),
    session().halves.objects ? getKeyUsage(key.crn, signal).catch(() => undefined) : undefined,
    recentUse({ key: key.crn }, signal),
  ])
  const registered = registrations.map(({ resourceCrn }) => bucketOf(resourceCrn))
  return { buckets: darkBuckets(registered, usage), noticers: recent && noticersOf(recent) }
}

/** Of the last hour, as far as it may be known. */
export async function recentUse(
  filter: { readonly key?: string; readonly bucket?: string },
  signal?: AbortSignal,
): Promise<readonly ActivityEntry[] | undefined> {
  const since = new Date(Date.now() - HOUR_MS).toISOString()
  return listActivity({ ...filter, since, limit: MOST_LINES }, signal).then(
    ({ entries }) => entries,
    () => undefined,
  )
}

export function darkBuckets(registered: readonly string[], usage: KeyUsage | undefined): readonly DarkBucket[] {
  const used = new Map(usage?.buckets.map((bucket) => [bucket.name, bucket]))
  const names = [...new Set([...registered, ...used.keys()])]
  return names
    .map((name): DarkBucket => {
      const versions = used.get(name)?.versions
      const sum = (of: 'objects' | 'bytes' | 'uploads') => versions?.reduce((total, version) => total + version[of], 0)
      return { name, objects: sum('objects'), bytes: sum('bytes'), uploads: sum('uploads') }
    })
    .sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0))
}

/** Who was served, by how often. */
export function noticersOf(entries: readonly ActivityEntry[]): readonly Noticer[] {
  const served = entries.filter(({ outcome, said }) => outcome === 'success' && said.what.bucket !== undefined)
  return [...Map.groupBy(served, (entry) => entry.said.who.id ?? whoOf(entry))]
    .flatMap(([id, lines]) => {
      const [last] = lines
      return last ? [{ id, name: whoOf(last), kind: last.said.who.kind ?? '', requests: lines.length, last }] : []
    })
    .sort((a, b) => b.requests - a.requests)
}
