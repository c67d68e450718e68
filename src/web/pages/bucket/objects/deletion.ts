import { type DeleteFailure, deleteObjects, listObjects, listVersions } from '../../../client/s3.ts'
import type { Row } from './rows.ts'

export interface DeleteProgress {
  readonly deleted: number
  readonly failures: readonly DeleteFailure[]
}

interface Target {
  readonly key: string
  readonly versionId?: string | undefined
}

const AT_ONCE = 1000

/** What rows stand for, folders with all that is in them. `everyVersion`: for good, also where there are versions. */
export async function deleteRows(
  bucket: string,
  rows: readonly Row[],
  { everyVersion, signal }: { readonly everyVersion: boolean; readonly signal: AbortSignal },
  onProgress: (progress: DeleteProgress) => void,
): Promise<DeleteProgress> {
  let progress: DeleteProgress = { deleted: 0, failures: [] }
  const drop = async (targets: readonly Target[]): Promise<void> => {
    if (targets.length === 0 || signal.aborted) return
    const failures = await deleteObjects(bucket, targets)
    progress = {
      deleted: progress.deleted + targets.length - failures.length,
      failures: [...progress.failures, ...failures],
    }
    onProgress(progress)
  }
  const single = rows.flatMap((row): Target[] =>
    row.kind === 'version'
      ? [{ key: row.object.key, versionId: row.object.versionId }]
      : row.kind === 'object' && !everyVersion
        ? [{ key: row.object.key }]
        : [],
  )
  for (let at = 0; at < single.length; at += AT_ONCE) await drop(single.slice(at, at + AT_ONCE))
  for (const row of rows) {
    if (signal.aborted) break
    if (row.kind === 'folder') await under(bucket, row.prefix, undefined, everyVersion, drop, signal)
    else if (row.kind === 'object' && everyVersion)
      await under(bucket, row.object.key, row.object.key, everyVersion, drop, signal)
  }
  return progress
}

/** `only`: this key, and not those that begin with it. */
async function under(
  bucket: string,
  prefix: string,
  only: string | undefined,
  everyVersion: boolean,
  drop: (targets: readonly Target[]) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const isWanted = ({ key }: Target): boolean => only === undefined || key === only
  const common = { bucket, prefix, delimiter: '', maxKeys: AT_ONCE, signal }
  if (everyVersion) {
    let after: Awaited<ReturnType<typeof listVersions>>['next']
    do {
      const page = await listVersions({ ...common, ...(after ? { after } : {}) })
      await drop(page.versions.filter(isWanted).map(({ key, versionId }) => ({ key, versionId })))
      after = only !== undefined && page.versions.some((one) => !isWanted(one)) ? undefined : page.next
    } while (after && !signal.aborted)
    return
  }
  let startAfter: string | undefined
  for (;;) {
    const page = await listObjects({ ...common, ...(startAfter === undefined ? {} : { startAfter }) })
    await drop(page.objects.map(({ key }) => ({ key })))
    startAfter = page.objects.at(-1)?.key
    if (page.next === undefined || startAfter === undefined || signal.aborted) return
  }
}
