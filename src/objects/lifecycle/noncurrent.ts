import type { Entry } from '../../storage/metadata/metadata-store.ts'
import { sameBucket } from '../commit-version.ts'
import { deleteObject } from '../delete-object.ts'
import { behindVersions, readHistory } from '../key-versions.ts'
import { headKey, SPACE, splitVersionKey } from '../keyspace.ts'
import { isKept } from '../object-lock.ts'
import { decodeObject, decodeVersion, isMarker, type VersionRecord } from '../records.ts'
import { tagsOf } from '../seal-properties.ts'
import type { LifecycleWork } from './act.ts'
import { awaitsReplication } from './awaits-replication.ts'
import { type Due, expirationDue, noncurrentDue } from './due.ts'
import { appliesToMarkers, type LifecycleRule, rulesFor } from './rule.ts'
import { moveIfElsewhere, noncurrentDestination } from './transition.ts'

/** What is newer of the key than the row that comes; `current`: nothing is. */
type Newer = { readonly sinceMs: number | undefined; readonly versions: number } | 'current'

/**
 * Versions that are not current, and delete markers. To be given the rows of `version` in their order, those of one key
 * from the newest on.
 */
export function actOnNoncurrent(work: LifecycleWork): (row: Entry) => Promise<void> {
  let last: { readonly key: string; readonly newer: Newer } | undefined
  return async (row) => {
    const { key, order } = splitVersionKey(row.key)
    const record = decodeVersion(row.value)
    const newer = last?.key === key ? last.newer : await newerThanFirst(work, key, order)
    const versions = (newer === 'current' ? 0 : newer.versions) + (isMarker(record) ? 0 : 1)
    last = { key, newer: { sinceMs: record.modifiedAtMs, versions } }
    if (newer === 'current') {
      if (awaitsReplication(work.engine, work.bucket, key, record, work.nowMs)) return
      const due = await markerDue(work, key, row, record)
      if (due && due.atMs <= work.nowMs) await remove(work, key, row, record, due)
      return
    }
    const { sinceMs, versions: newerVersions } = newer
    if (sinceMs === undefined || awaitsReplication(work.engine, work.bucket, key, record, work.nowMs)) return
    const rules = await noncurrentRules(work, key, record)
    const due = noncurrentDue(rules, sinceMs, newerVersions, work.dayMs)
    if (due && due.atMs <= work.nowMs && !isKept(record, work.nowMs)) {
      await remove(work, key, row, record, due)
    } else if (!isMarker(record)) {
      const to = noncurrentDestination(work, rules, record, { sinceMs, newerVersions })
      await moveIfElsewhere(work, { key, row, record }, SPACE.version, to)
    }
  }
}

/** Of the first row of a key. A key that changes while it is looked at is left for the next time. */
async function newerThanFirst({ engine, bucket }: LifecycleWork, key: string, order: bigint): Promise<Newer> {
  const head = await engine.metadata.get(SPACE.head, headKey(bucket.id, key))
  if (head) return { sinceMs: decodeObject(head.value).modifiedAtMs, versions: 0 }
  const history = await readHistory(engine.metadata, bucket, key)
  return history?.newest === order ? 'current' : { sinceMs: undefined, versions: 0 }
}

/** A delete marker that is the only version of its key hides nothing. */
async function markerDue(
  { engine, bucket, rules, dayMs }: LifecycleWork,
  key: string,
  row: Entry,
  record: VersionRecord,
): Promise<Due | undefined> {
  const applying = rules.filter((rule) => rule.expiration && appliesToMarkers(rule, key))
  if (!isMarker(record) || applying.length === 0) return undefined
  const gte = Buffer.concat([row.key, Buffer.from([0])])
  const older = { gte, lt: behindVersions(bucket.id, key), limit: 1 }
  if ((await engine.metadata.range(SPACE.version, older)).length > 0) return undefined
  const atOnce = applying.find(({ expiration }) => expiration?.expiredDeleteMarker)
  return atOnce ? { rule: atOnce, atMs: record.modifiedAtMs } : expirationDue(applying, record.modifiedAtMs, dayMs)
}

async function noncurrentRules(
  { engine, keys, rules, ...work }: LifecycleWork,
  key: string,
  record: VersionRecord,
): Promise<readonly LifecycleRule[]> {
  const possible = rules.filter((rule) => rule.noncurrentExpiration ?? rule.noncurrentTransitions)
  if (isMarker(record)) return possible.filter((rule) => appliesToMarkers(rule, key))
  const bucket = sameBucket(engine, work.bucket)
  const tags = () => tagsOf(keys, bucket, key, record)
  return possible.length === 0 ? [] : rulesFor(possible, { key, sizeBytes: record.sizeBytes, tags })
}

async function remove(
  work: LifecycleWork,
  key: string,
  row: Entry,
  record: VersionRecord,
  { rule }: Due,
): Promise<void> {
  if (!(await work.begin())) return
  let removed = false
  // Current again, or changed, since we looked: another time.
  const only = (token: string | undefined): boolean => {
    removed = token === row.token && work.holds()
    return removed
  }
  const { versionId } = record
  const bucket = sameBucket(work.engine, work.bucket)
  await deleteObject(work.engine, work.keys, { bucket, key, versionId, conditions: {}, only })
  if (!removed) return
  const what = isMarker(record)
    ? ({ action: 'store.lifecycle-expire-marker' } as const)
    : ({ action: 'store.lifecycle-expire-version', sizeBytes: record.sizeBytes } as const)
  work.did({ ...what, key, versionId, rule: rule.id })
}
