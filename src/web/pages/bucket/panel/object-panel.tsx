import { useEffect, useRef, useState } from 'preact/hooks'
import { isStatus } from '../../../client/api-error.ts'
import type { BucketFacts } from '../../../client/bucket-facts.ts'
import { headObject, listVersions, type VersionEntry } from '../../../client/s3.ts'
import { inShell } from '../../../in-shell.ts'
import { downloadHref, uriOf } from '../../../links.ts'
import { Button, IconButton } from '../../../parts/button.tsx'
import { CliHint } from '../../../parts/cli-hint.tsx'
import { copyText } from '../../../parts/copy.tsx'
import { ErrorState } from '../../../parts/error-state.tsx'
import { Note } from '../../../parts/note.tsx'
import { Tabs } from '../../../parts/tabs.tsx'
import { toast } from '../../../parts/toast.tsx'
import { setQuery, usePlace } from '../../../router.ts'
import { useLoad } from '../../../use-load.ts'
import { FileIcon } from '../objects/file-icon.tsx'
import { DetailsTab } from './details-tab.tsx'
import { EnvelopeTab } from './envelope-tab.tsx'
import { NoPreview, Preview } from './preview.tsx'
import { ShareDialog } from './share-dialog.tsx'
import { TagsTab } from './tags-tab.tsx'
import { VersionsTab } from './versions-tab.tsx'

export interface ObjectPanelProps {
  readonly facts: BucketFacts
  readonly objectKey: string
  /** Undefined: the current one. */
  readonly versionId: string | undefined
  /** It was opened by a key, or by a link: reading goes on in it. */
  readonly hasFocus: boolean
  readonly onClose: () => void
}

const TABS = [
  { id: 'details', title: 'Details' },
  { id: 'envelope', title: 'Envelope' },
  { id: 'versions', title: 'Versions' },
  { id: 'tags', title: 'Tags' },
] as const

/** One object, beside the list. */
export function ObjectPanel({ facts, objectKey, versionId, hasFocus, onClose }: ObjectPanelProps) {
  const { name: bucket, lock } = facts
  const { query } = usePlace()
  const tab = TABS.find(({ id }) => id === query.get('tab'))?.id ?? 'details'
  const [isSharing, setSharing] = useState(false)
  const panel = useRef<HTMLElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  const head = useLoad(
    (signal) => headObject(bucket, objectKey, { versionId, signal }),
    [bucket, objectKey, versionId],
    {
      topics: ['objects', 'buckets'],
    },
  )
  const versions = useLoad((signal) => versionsOf(bucket, objectKey, signal), [bucket, objectKey], {
    topics: ['objects'],
  })
  const name = objectKey.slice(objectKey.lastIndexOf('/', objectKey.length - 2) + 1)
  const folder = `${bucket}/${objectKey.slice(0, objectKey.length - name.length)}`
  const isRefused = lock !== undefined && lock.cause !== 'unreachable'
  // S3: 405 of a delete marker that is named, 404 of an object whose newest version is one.
  const isDeleted =
    isStatus(head.error, 404, 405) &&
    versions.value?.some(
      (one) => one.isDeleteMarker && (versionId === undefined ? one.isLatest : one.versionId === versionId),
    ) === true
  const refusal = isRefused
    ? 'Its contents are refused while the bucket is locked'
    : isDeleted
      ? 'It was deleted: restore one of its versions'
      : undefined
  useEffect(() => {
    if (window.innerWidth < 980) panel.current?.scrollIntoView({ block: 'start' })
  }, [objectKey])
  useEffect(() => {
    if (hasFocus) heading.current?.focus({ preventScroll: true })
  }, [hasFocus, objectKey, versionId])
  return (
    <aside class="card panel" aria-label={name} ref={panel}>
      <div class="panel-head">
        <FileIcon name={name} />
        <div>
          <h2 ref={heading} tabIndex={-1} title={name} dir="auto">
            {name}
          </h2>
          <p class="muted small" title={folder}>
            {folder}
          </p>
        </div>
        <IconButton icon="close" label="Close" onClick={onClose} />
      </div>
      {isDeleted ? (
        <NoPreview text="It was deleted. Its versions can be restored." />
      ) : head.error && !isRefused ? (
        <div class="panel-body">
          <ErrorState title="The object could not be read." error={head.error} onRetry={head.reload} />
        </div>
      ) : (
        <Preview {...{ bucket, objectKey, versionId, isRefused }} head={head.value} />
      )}
      <div class="panel-body">
        <div class="panel-actions">
          <Button
            isSmall
            icon="download"
            href={downloadHref(bucket, objectKey, versionId)}
            disabledBecause={refusal}
            isDownload
          >
            Download
          </Button>
          <Button isSmall icon="link" onClick={() => setSharing(true)} disabledBecause={refusal}>
            Share link
          </Button>
          <Button
            isSmall
            icon="copy"
            onClick={() => {
              copyText(uriOf(bucket, objectKey))
              toast('The URI was copied')
            }}
          >
            URI
          </Button>
        </div>
        <Tabs
          label={`Of ${name}`}
          current={tab}
          tabs={TABS.map((one) =>
            one.id === 'versions' && facts.versioning !== 'Off' ? { ...one, count: versions.value?.length } : one,
          )}
          onChange={(id) => setQuery({ tab: id })}
        >
          {tab === 'details' && !head.error && <DetailsTab objectKey={objectKey} head={head.value} />}
          {tab === 'details' && isRefused && <Refused />}
          {tab === 'envelope' && !isDeleted && <EnvelopeTab {...{ facts, objectKey, versionId }} />}
          {tab === 'versions' && <VersionsTab {...{ facts, objectKey, versionId, versions }} />}
          {tab === 'tags' && !isDeleted && <TagsTab {...{ bucket, objectKey, versionId }} />}
        </Tabs>
        <CliHint
          command={
            tab === 'envelope'
              ? `coffer object envelope ${inShell(`${bucket}/${objectKey}`)}`
              : tab === 'versions'
                ? `coffer object versions ${inShell(`${bucket}/${objectKey}`)}`
                : `aws s3 cp ${inShell(uriOf(bucket, objectKey))} .`
          }
        />
      </div>
      {isSharing && <ShareDialog {...{ bucket, objectKey, versionId }} onClose={() => setSharing(false)} />}
    </aside>
  )
}

const Refused = () => (
  <Note icon="lock">What is stored with it is sealed, too. Its envelope and its versions can be looked at.</Note>
)

/** Of this key and no other; the newest first. */
async function versionsOf(bucket: string, key: string, signal: AbortSignal): Promise<readonly VersionEntry[]> {
  const { versions } = await listVersions({ bucket, prefix: key, delimiter: '', maxKeys: 200, signal })
  return versions.filter((version) => version.key === key)
}
