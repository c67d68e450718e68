import { hasCode } from '../../base/errors.ts'
import type { Entry } from '../../storage/metadata/metadata-store.ts'
import type { ObjectsErrorCode } from '../errors.ts'
import { splitUploadKey } from '../keyspace.ts'
import { decodeUpload } from '../records.ts'
import { abortUpload, findUpload } from '../uploads.ts'
import type { LifecycleWork } from './act.ts'
import { abortDue } from './due.ts'
import { appliesButForTags } from './rule.ts'

/** An upload that was begun too long ago ends, with its parts. */
export async function abortIfDue(work: LifecycleWork, row: Entry): Promise<void> {
  const { engine, bucket, rules, nowMs, dayMs } = work
  const { key, uploadId } = splitUploadKey(row.key)
  const applying = rules.filter((rule) => appliesButForTags(rule, key))
  const due = abortDue(applying, decodeUpload(row.value).createdAtMs, dayMs)
  if (!due || due.atMs > nowMs) return
  if (!(await work.begin())) return
  try {
    const upload = await findUpload(engine, bucket, key, uploadId.toString('hex'))
    if (!work.holds()) return
    await abortUpload(engine, upload)
  } catch (error) {
    // Completed or aborted meanwhile.
    if (hasCode<ObjectsErrorCode>(error, 'NoSuchUpload')) return
    throw error
  }
  work.did({ action: 'store.lifecycle-abort-upload', key, rule: due.rule.id })
}
