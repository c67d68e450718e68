import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../../client/api-error.ts'
import type { BucketFacts } from '../../../client/bucket-facts.ts'
import { copyObject, deleteObject, type VersionEntry } from '../../../client/s3.ts'
import { formatBytes, shortId } from '../../../format.ts'
import { downloadHref } from '../../../links.ts'
import { Button } from '../../../parts/button.tsx'
import { Chip } from '../../../parts/chip.tsx'
import { EmptyState } from '../../../parts/empty-state.tsx'
import { ErrorState } from '../../../parts/error-state.tsx'
import { Loaded } from '../../../parts/loaded.tsx'
import { Time } from '../../../parts/time.tsx'
import { toast } from '../../../parts/toast.tsx'
import { setQuery } from '../../../router.ts'
import type { Loaded as Load } from '../../../use-load.ts'
import { useBucketRights } from '../../../use-rights.ts'

export interface VersionsTabProps {
  readonly facts: BucketFacts
  readonly objectKey: string
  readonly versionId: string | undefined
  readonly versions: Load<readonly VersionEntry[]>
}

/** Every version there is, with a way back to each. */
export function VersionsTab({ facts, objectKey, versionId, versions }: VersionsTabProps) {
  const [busy, setBusy] = useState<string>()
  const [error, setError] = useState<ApiError>()
  const bucket = facts.name
  const restore = async (version: VersionEntry): Promise<void> => {
    setBusy(version.versionId)
    setError(undefined)
    try {
      // Over a marker of deletion, or a newer version: what is there stays.
      if (version.isDeleteMarker) await deleteObject(bucket, objectKey, version.versionId)
      else await copyObject({ bucket, key: objectKey, versionId: version.versionId }, { bucket, key: objectKey })
      toast(version.isDeleteMarker ? 'The object is back' : 'The version was restored as the newest one')
      setQuery({ version: undefined })
    } catch (cause) {
      setError(toApiError(cause))
    }
    setBusy(undefined)
  }
  const missing = useBucketRights(bucket, ['s3:PutObject', 's3:DeleteObject'], objectKey)
  const locked = facts.lock === undefined ? undefined : 'The bucket is locked'
  return (
    <Loaded load={versions} failed="The versions could not be listed." skeletonRows={3}>
      {(all) => (
        <div class="stack tight">
          {error && <ErrorState title="It could not be restored." error={error} />}
          {facts.versioning === 'Off' && (
            <EmptyState title="Versioning is off" text="An overwrite replaces the object for good." />
          )}
          <ol class="versions">
            {all.map((version) => (
              <li key={version.versionId} class={version.versionId === versionId ? 'on' : undefined}>
                <div>
                  <span class="row wrap">
                    <Time at={version.modifiedAt} />
                    {version.isLatest && (
                      <Chip isSmall tone={version.isDeleteMarker ? 'bad' : 'ok'}>
                        {version.isDeleteMarker ? 'Deleted' : 'Current'}
                      </Chip>
                    )}
                    {version.isDeleteMarker && !version.isLatest && <Chip isSmall>Was deleted</Chip>}
                  </span>
                  <span class="muted small">
                    {!version.isDeleteMarker && `${formatBytes(version.sizeBytes)} · `}
                    <code title={version.versionId}>{shortId(version.versionId)}</code>
                  </span>
                </div>
                <span class="row">
                  {!version.isDeleteMarker && (
                    <Button
                      isSmall
                      kind="ghost"
                      href={downloadHref(bucket, objectKey, version.versionId)}
                      disabledBecause={locked}
                      isDownload
                    >
                      Get
                    </Button>
                  )}
                  {version.isLatest === version.isDeleteMarker && (
                    <Button
                      isSmall
                      isBusy={busy === version.versionId}
                      disabledBecause={
                        version.isDeleteMarker ? missing('s3:DeleteObject') : (locked ?? missing('s3:PutObject'))
                      }
                      onClick={() => void restore(version)}
                    >
                      Restore
                    </Button>
                  )}
                </span>
              </li>
            ))}
          </ol>
        </div>
      )}
    </Loaded>
  )
}
