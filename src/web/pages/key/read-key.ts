import { type ActivityEntry, type FoundActivity, newestActivity } from '../../client/activity.ts'
import { getKeyUsage, type Job, type KeyUsage, listJobs } from '../../client/admin.ts'
import { getKey, type KeyVersion, listKeyVersions, listRegistrations, type RootKey } from '../../client/key-protect.ts'
import { type Instance, session } from '../../client/session.ts'
import { bucketOf } from '../keys/read-keys.ts'

export interface WholeKey {
  readonly rootKey: RootKey
  /** The newest first; empty when they may not be known. */
  readonly versions: readonly KeyVersion[]
  /** Undefined: it may not be known. */
  readonly usage: KeyUsage | undefined
  /** Buckets that it protects; undefined when they may not be known. */
  readonly buckets: readonly string[] | undefined
  readonly jobs: readonly Job[]
}

/** By id or alias. Only that the key cannot be seen is an error: what else is refused is left out. */
export async function readKey(instance: Instance, name: string, signal: AbortSignal): Promise<WholeKey> {
  const rootKey = await getKey(instance, name, signal)
  const hasObjects = session().halves.objects
  const [versions, usage, registrations, jobs] = await Promise.all([
    listKeyVersions(instance, rootKey.id, signal).catch(() => []),
    hasObjects ? getKeyUsage(rootKey.crn, signal).catch(() => undefined) : undefined,
    listRegistrations(instance, rootKey.id, signal).catch(() => undefined),
    hasObjects ? listJobs(signal).catch(() => []) : [],
  ])
  const registered = registrations?.map(({ resourceCrn }) => bucketOf(resourceCrn))
  const used = usage?.buckets.map((bucket) => bucket.name)
  const buckets = registered || used ? [...new Set([...(registered ?? []), ...(used ?? [])])].sort() : undefined
  return { rootKey, versions, usage, buckets, jobs: jobs.filter(({ bucket }) => buckets?.includes(bucket)) }
}

/** Of the key itself, the newest first. To look for it in a long log takes seconds. */
export const readKeyHistory = (rootKeyCrn: string, signal?: AbortSignal): Promise<FoundActivity> =>
  newestActivity({ key: rootKeyCrn, did: CHANGES, limit: 100 }, signal)

/** What is done to a key, and not with it. */
const CHANGES = [
  ...['create', 'delete', 'disable', 'enable', 'patch', 'purge', 'restore', 'rotate', 'set*', 'unset*', 'sync'].map(
    (change) => `kms.secrets.${change}`,
  ),
  ...['kms.secrets-with-policy-overrides.create', 'kms.secrets-alias.*', 'kms.policies.write'],
  ...['kms.registrations.create', 'kms.registrations.delete'],
].join(',')

/** While it neither wrapped nor unwrapped. `untilMs` undefined: it still does not. */
export interface Pause {
  readonly fromMs: number
  readonly untilMs: number | undefined
}

/** As the audit log tells it, the oldest first. */
export function pausesOf(history: readonly ActivityEntry[]): readonly Pause[] {
  const pauses: Pause[] = []
  let fromMs: number | undefined
  for (const { action, outcome, time } of history.toReversed()) {
    if (outcome !== 'success') continue
    if (/disable$/.test(action)) fromMs ??= Date.parse(time)
    else if (/enable$/.test(action) && fromMs !== undefined) {
      pauses.push({ fromMs, untilMs: Date.parse(time) })
      fromMs = undefined
    }
  }
  return fromMs === undefined ? pauses : [...pauses, { fromMs, untilMs: undefined }]
}
