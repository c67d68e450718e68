import { formatBytes } from '../../../format.ts'
import { Checkbox } from '../../../parts/checkbox.tsx'
import { Chip } from '../../../parts/chip.tsx'
import { classes } from '../../../parts/class-names.ts'
import { Icon } from '../../../parts/icon.tsx'
import { Menu, type MenuItem } from '../../../parts/menu.tsx'
import { Time } from '../../../parts/time.tsx'
import { FileIcon } from './file-icon.tsx'
import { KeyVersion } from './key-version.tsx'
import type { Row } from './rows.ts'

export interface RowActions {
  readonly bucket: string
  readonly isLocked: boolean
  /** Of the root key: what is under an earlier one may be rewrapped. */
  readonly newestVersion: number | undefined
  readonly hrefOf: (row: Row) => string
  readonly menuOf: (row: Row) => readonly (MenuItem | 'separator')[]
  readonly onSelect: (row: Row, isSelected: boolean) => void
  readonly onActive: (index: number) => void
  readonly onOpen: (row: Row) => void
}

interface ObjectRowProps extends RowActions {
  readonly row: Row
  readonly index: number
  readonly isSelected: boolean
  readonly isActive: boolean
  readonly isOpen: boolean
  readonly isCustomerManaged: boolean
}

export function ObjectRow(props: ObjectRowProps) {
  const { row, index, isSelected, isActive, isOpen, isLocked, bucket, newestVersion, isCustomerManaged } = props
  const isMarker = row.kind === 'version' && row.object.isDeleteMarker
  return (
    <tr
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      class={classes('clickable', (isSelected || isOpen) && 'selected', isActive && 'active')}
      data-open={isOpen ? '' : undefined}
      onClick={(event) => {
        if (event.target instanceof Element && event.target.closest('button,input,label')) return
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
        event.preventDefault()
        props.onActive(index)
        props.onOpen(row)
      }}
    >
      <td class="check">
        <Checkbox
          label={`Select ${row.name}`}
          isBare
          isChecked={isSelected}
          onChange={(isOn) => {
            props.onActive(index)
            props.onSelect(row, isOn)
          }}
        />
      </td>
      <td class="name">
        <span class="file-name">
          <FileIcon name={row.name} />
          <a class={classes('ellipsis', isMarker && 'gone')} href={props.hrefOf(row)}>
            {row.name}
          </a>
          {isLocked && row.kind !== 'folder' && (
            <span class="locked-mark" title="Its contents are refused">
              <Icon name="lock" size="small" />
              <span class="sr-only">Locked</span>
            </span>
          )}
          {row.kind === 'version' && <VersionChip {...row.object} />}
        </span>
      </td>
      <td class="number muted">{row.kind === 'folder' || isMarker ? '' : formatBytes(row.object.sizeBytes)}</td>
      <td class="muted nowrap minor">{row.kind !== 'folder' && <Time at={row.object.modifiedAt} />}</td>
      <td class="minor">
        {row.kind !== 'folder' && !isMarker && (
          <KeyVersion
            bucket={bucket}
            objectKey={row.object.key}
            versionId={row.kind === 'version' ? row.object.versionId : undefined}
            etag={row.object.etag}
            newest={newestVersion}
            isLocked={isLocked}
            isCustomerManaged={isCustomerManaged}
          />
        )}
      </td>
      <td class="row-menu">
        <Menu label={`Actions for ${row.name}`} items={props.menuOf(row)} />
      </td>
    </tr>
  )
}

const VersionChip = ({ isLatest, isDeleteMarker }: { readonly isLatest: boolean; readonly isDeleteMarker: boolean }) =>
  isDeleteMarker ? (
    <Chip isSmall tone="bad">
      Deleted
    </Chip>
  ) : isLatest ? (
    <Chip isSmall tone="ok">
      Current
    </Chip>
  ) : (
    <Chip isSmall>Earlier</Chip>
  )
