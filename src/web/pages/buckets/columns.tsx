import type { DeedOnKey } from '../../client/lock-story.ts'
import { formatBytes, formatCount } from '../../format.ts'
import { bucketHref, keyHref } from '../../links.ts'
import { Chip } from '../../parts/chip.tsx'
import { Icon } from '../../parts/icon.tsx'
import type { Column } from '../../parts/table.tsx'
import { Time } from '../../parts/time.tsx'
import { WhoLockedLine } from '../bucket/who-locked.tsx'
import type { BucketRow } from './read-buckets.ts'

const unknown = <span class="muted">–</span>

export const columnsOf = (deedOn: DeedOnKey): readonly Column<BucketRow>[] => [
  {
    id: 'name',
    title: 'Name',
    sortKey: ({ name }) => name,
    cell: ({ name, isLocked }) => (
      <span class="name-cell">
        <Icon name="bucket" />
        <a class="strong" href={bucketHref(name)}>
          {name}
        </a>
        {isLocked && (
          <Chip tone="bad" icon="lock" isSmall>
            Locked
          </Chip>
        )}
      </span>
    ),
  },
  {
    id: 'encryption',
    title: 'Encryption',
    sortKey: ({ encryption }) => (encryption === undefined ? '' : encryption.kind + encryption.label),
    cell: ({ encryption, isLocked }) =>
      encryption === undefined ? (
        unknown
      ) : encryption.kind === 'provider' ? (
        <Chip tone="ct" isSmall>
          <span class="swatch ct hatched" />
          Provider-managed
        </Chip>
      ) : (
        <>
          <Chip
            tone={isLocked ? 'bad' : 'brass'}
            icon="key"
            isSmall
            {...(encryption.instance && encryption.key ? { href: keyHref(encryption.instance, encryption.key) } : {})}
          >
            {encryption.label}
          </Chip>
          {encryption.key && <WhoLockedLine story={deedOn(encryption.key)} />}
        </>
      ),
  },
  {
    id: 'objects',
    title: 'Objects',
    isNumber: true,
    sortKey: ({ usage }) => usage?.objects ?? -1,
    cell: ({ usage }) => (usage ? formatCount(usage.objects) : unknown),
  },
  {
    id: 'size',
    title: 'Size',
    isNumber: true,
    sortKey: ({ usage }) => usage?.bytes ?? -1,
    cell: ({ usage }) => (usage ? formatBytes(usage.bytes) : unknown),
  },
  {
    id: 'versioning',
    title: 'Versioning',
    isMinor: true,
    sortKey: ({ versioning }) => versioning ?? '',
    cell: ({ versioning }) => versioning ?? unknown,
  },
  {
    id: 'created',
    title: 'Created',
    isMinor: true,
    sortKey: ({ createdAt }) => createdAt,
    cell: ({ createdAt }) => (
      <span class="muted nowrap">
        <Time at={createdAt} />
      </span>
    ),
  },
]
