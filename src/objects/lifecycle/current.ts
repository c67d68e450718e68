import type { Entry } from '../../storage/metadata/metadata-store.ts'
import { sameBucket } from '../commit-version.ts'
import { deleteObject } from '../delete-object.ts'
import { keyOfHead, SPACE } from '../keyspace.ts'
import { isKept } from '../object-lock.ts'
import { decodeObject } from '../records.ts'
import { tagsOf } from '../seal-properties.ts'
import type { LifecycleWork } from './act.ts'
import { awaitsReplication } from './awaits-replication.ts'
import { expirationDue } from './due.ts'
import { rulesFor } from './rule.ts'
import { currentDestination, moveIfElsewhere } from './transition.ts'

/** The current version of a key: deleted as a client would, or moved, when its time has come. Needs no root key, but for tags. */
export async function actOnCurrent(work: LifecycleWork, row: Entry): Promise<void> {
  const { engine, keys, nowMs, dayMs } = work
  const key = keyOfHead(row.key)
  const record = decodeObject(row.value)
  const { sizeBytes, modifiedAtMs } = record
  const bucket = sameBucket(engine, work.bucket)
  if (awaitsReplication(engine, bucket, key, record, nowMs)) return
  const rules = await rulesFor(work.rules, { key, sizeBytes, tags: () => tagsOf(keys, bucket, key, record) })
  const due = expirationDue(rules, modifiedAtMs, dayMs)
  if (!due || due.atMs > nowMs) {
    await moveIfElsewhere(work, { key, row, record }, SPACE.head, currentDestination(work, rules, record))
    return
  }
  // With versions nothing is lost: a delete marker hides it.
  if (bucket.versioning !== 'Enabled' && isKept(record, nowMs)) return
  if (!(await work.begin())) return
  let expired = false
  // What was written, or said of it, since we looked may not be due.
  const only = (token: string | undefined): boolean => {
    expired = token === row.token && work.holds()
    return expired
  }
  const { deleteMarker, versionId } = await deleteObject(engine, keys, { bucket, key, conditions: {}, only })
  if (!expired) return
  const what = deleteMarker && versionId !== undefined ? { markerId: versionId } : { sizeBytes }
  work.did({ action: 'store.lifecycle-expire', key, ...what, rule: due.rule.id })
}
