import { useRef, useState } from 'preact/hooks'
import type { BucketFacts } from '../../../client/bucket-facts.ts'
import { counted, formatCount } from '../../../format.ts'
import { inShell } from '../../../in-shell.ts'
import { downloadHref, objectsHref, uriOf } from '../../../links.ts'
import { Button } from '../../../parts/button.tsx'
import { CliHint } from '../../../parts/cli-hint.tsx'
import { copyText } from '../../../parts/copy.tsx'
import { EmptyState } from '../../../parts/empty-state.tsx'
import { ErrorState } from '../../../parts/error-state.tsx'
import { Hatch } from '../../../parts/hatch.tsx'
import { Icon } from '../../../parts/icon.tsx'
import type { MenuItem } from '../../../parts/menu.tsx'
import { Segmented } from '../../../parts/segmented.tsx'
import { Skeleton } from '../../../parts/skeleton.tsx'
import { toast } from '../../../parts/toast.tsx'
import { navigate, setQuery, usePlace } from '../../../router.ts'
import { usePageKeys } from '../../../shell/shortcuts.ts'
import { useBucketRights } from '../../../use-rights.ts'
import { LockedPanel } from '../locked-panel.tsx'
import { ObjectPanel } from '../panel/object-panel.tsx'
import { DeleteDialog } from './delete-dialog.tsx'
import { DropZone } from './drop-zone.tsx'
import type { ListingMode } from './listed-pages.ts'
import { ObjectTable } from './object-table.tsx'
import { PathBar } from './path-bar.tsx'
import { folderRow, keyOfRow, type Row } from './rows.ts'
import { useListing } from './use-listing.ts'
import { useSelection } from './use-selection.ts'

export interface ObjectsTabProps {
  readonly facts: BucketFacts
  readonly prefix: string
  /** Why nothing can be uploaded. */
  readonly refusal: string | undefined
}

export function ObjectsTab({ facts, prefix, refusal }: ObjectsTabProps) {
  const bucket = facts.name
  const { query } = usePlace()
  const mode: ListingMode = query.get('show') === 'versions' ? 'versions' : 'objects'
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const listing = useListing(bucket, prefix, mode)
  const [deleting, setDeleting] = useState<readonly Row[]>()
  const selection = useSelection(listing.rows, `${bucket}/${prefix}/${mode}`, (gone) => {
    if (!deleting) toast(`${counted(gone, 'selected object was', 'selected objects were')} deleted meanwhile`)
  })
  const chosenRows = (): readonly Row[] => [...selection.chosen.values()]
  const isAllLoaded = listing.hasMore && selection.chosen.size === listing.rows.length
  const box = useRef<HTMLInputElement>(null)
  const noDelete = useBucketRights(bucket, ['s3:DeleteObject'], `${prefix}*`)('s3:DeleteObject')
  const wasOpenedHere = useRef(false)
  const isLocked = facts.lock !== undefined && facts.lock.cause !== 'unreachable'
  const sel = query.get('sel')
  const openKey = sel === null ? undefined : folder + sel
  const openVersion = query.get('version') ?? undefined

  const openOf = (row: Row): string =>
    row.kind === 'folder'
      ? objectsHref(bucket, row.prefix)
      : withQuery({
          sel: row.object.key.slice(folder.length),
          version: row.kind === 'version' ? row.object.versionId : undefined,
        })
  const open = (row: Row): void => {
    if (row.kind === 'folder') return navigate(objectsHref(bucket, row.prefix))
    wasOpenedHere.current = true
    setQuery({
      sel: row.object.key.slice(folder.length),
      version: row.kind === 'version' ? row.object.versionId : undefined,
    })
  }
  const close = (): void => {
    if (sel === null) return
    const row =
      document.querySelector<HTMLElement>('tr[data-open] .file-name a') ??
      document.querySelector<HTMLElement>('.object-frame')
    setQuery({ sel: undefined, version: undefined, tab: undefined })
    row?.focus({ preventScroll: true })
  }
  const copyUri = (row: Row): void => {
    copyText(uriOf(bucket, keyOfRow(row)))
    toast('The URI was copied')
  }
  const menuOf = (row: Row): readonly (MenuItem | 'separator')[] => [
    { label: 'Open', icon: row.kind === 'folder' ? 'folder' : 'eye', onSelect: () => open(row) },
    ...(row.kind === 'folder'
      ? []
      : [
          {
            label: 'Download',
            icon: 'download',
            isDownload: true,
            href: downloadHref(bucket, row.object.key, row.kind === 'version' ? row.object.versionId : undefined),
            disabledBecause: isLocked ? 'The bucket is locked' : undefined,
          } as const,
        ]),
    { label: 'Copy URI', icon: 'copy', onSelect: () => copyUri(row) },
    'separator',
    { label: 'Delete…', icon: 'trash', isDanger: true, disabledBecause: noDelete, onSelect: () => setDeleting([row]) },
  ]
  const move = (by: number): void => {
    selection.move(by)
    // What was clicked in another row would hear the next key.
    const frame = document.querySelector<HTMLElement>('.object-frame')
    if (frame?.contains(document.activeElement)) frame.focus({ preventScroll: true })
  }
  usePageKeys({
    '/': () => box.current?.focus(),
    j: () => move(1),
    k: () => move(-1),
    ' ': selection.toggleActive,
    Enter: () => {
      const row = selection.activeRow()
      if (row) open(row)
    },
    c: () => {
      const row = selection.activeRow() ?? listing.rows.find(({ id }) => id === `o:${openKey}`)
      if (row) copyUri(row)
    },
    '.': () => document.querySelector<HTMLElement>('tr.active .row-menu button')?.click(),
    Delete: () => selection.chosen.size > 0 && noDelete === undefined && setDeleting(chosenRows()),
    Escape: close,
  })

  return (
    <DropZone bucket={bucket} prefix={folder} refusal={refusal}>
      <div class={openKey !== undefined || isLocked ? 'columns with-aside' : ''}>
        <div class="stack">
          <div class="card flush">
            <div class="path-row">
              <PathBar bucket={bucket} prefix={prefix} input={box} />
              {facts.versioning !== 'Off' && (
                <Segmented
                  label="What is listed"
                  value={mode}
                  options={[
                    { value: 'objects', label: 'Objects' },
                    { value: 'versions', label: 'All versions' },
                  ]}
                  onChange={(value) => setQuery({ show: value === 'versions' ? value : undefined })}
                />
              )}
            </div>
            {selection.chosen.size > 0 && (
              <div class="selection-bar" role="status">
                <b>{counted(selection.chosen.size, 'selected', 'selected')}</b>
                {isAllLoaded && <span>of those that are loaded; there are more under this prefix</span>}
                <Button isSmall onClick={selection.clear}>
                  Clear
                </Button>
                <Button
                  isSmall
                  kind="danger"
                  icon="trash"
                  disabledBecause={noDelete}
                  onClick={() => setDeleting(chosenRows())}
                >
                  Delete
                </Button>
                {isAllLoaded && mode === 'objects' && prefix !== '' && prefix === folder && (
                  <Button
                    isSmall
                    kind="danger"
                    icon="folder"
                    disabledBecause={noDelete}
                    onClick={() => setDeleting([folderRow(folder, '')])}
                  >
                    Delete the whole folder
                  </Button>
                )}
              </div>
            )}
            {listing.error && (
              <ErrorState title="The objects could not be listed." error={listing.error} onRetry={listing.reload} />
            )}
            {listing.isSlow && <Skeleton rows={8} />}
            {listing.rows.length > 0 && (
              <ObjectTable
                rows={listing.rows}
                hasMore={listing.hasMore}
                selected={selection.chosen}
                active={selection.active}
                openId={
                  openKey === undefined
                    ? undefined
                    : openVersion === undefined
                      ? `o:${openKey}`
                      : `v:${openVersion}:${openKey}`
                }
                isCustomerManaged={facts.isCustomerManaged !== false}
                newestVersion={facts.rootKey?.version}
                bucket={bucket}
                isLocked={isLocked}
                hrefOf={openOf}
                menuOf={menuOf}
                onSelect={selection.select}
                onSelectAll={selection.selectAll}
                onActive={selection.setActive}
                onOpen={open}
                onNearEnd={listing.loadMore}
                onSee={listing.see}
              />
            )}
            {listing.rows.length === 0 && !listing.isLoading && !listing.error && (
              <Nothing prefix={prefix} refusal={refusal} />
            )}
            {listing.rows.length > 0 && (
              <div class="table-foot">
                <span class="number">
                  {formatCount(listing.rows.length)}
                  {listing.hasMore ? ' so far' : ''} under this prefix
                </span>
                <span class="end row">
                  {refusal === undefined && (
                    <span class="drop-hint">
                      <Icon name="upload" size="small" /> Drop files or folders anywhere to upload here
                    </span>
                  )}
                  {listing.hasMore && (
                    <Button isSmall isBusy={listing.isLoading} onClick={listing.loadMore}>
                      Load more
                    </Button>
                  )}
                </span>
              </div>
            )}
          </div>
          <CliHint
            command={
              mode === 'versions'
                ? `coffer object versions ${inShell(`${bucket}/${prefix}`)}`
                : `aws s3 ls ${inShell(uriOf(bucket, prefix))}`
            }
          />
        </div>
        {openKey !== undefined ? (
          <ObjectPanel
            facts={facts}
            objectKey={openKey}
            versionId={openVersion}
            hasFocus={wasOpenedHere.current}
            onClose={close}
          />
        ) : (
          isLocked && facts.lock && <LockedPanel facts={facts} lock={facts.lock} listing={listing.rows} />
        )}
      </div>
      {deleting && (
        <DeleteDialog
          bucket={bucket}
          rows={deleting}
          versioning={facts.versioning}
          onClose={() => setDeleting(undefined)}
          onDone={() => {
            setDeleting(undefined)
            selection.clear()
            if (openKey !== undefined && deleting.some((row) => keyOfRow(row) === openKey)) close()
          }}
        />
      )}
    </DropZone>
  )
}

function withQuery(changes: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(window.location.search)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) query.delete(name)
    else query.set(name, value)
  }
  return `${window.location.pathname}?${query}`
}

const Nothing = ({ prefix, refusal }: { readonly prefix: string; readonly refusal: string | undefined }) => (
  <EmptyState
    figure={<Hatch size={44} />}
    title={prefix === '' ? 'This bucket is empty' : 'Nothing is under this prefix'}
    text={refusal === undefined ? 'Drop files or folders here, or press u to upload.' : `${refusal}.`}
  />
)
