import { keyLabel, type RootKey } from '../../client/key-protect.ts'
import type { Instance } from '../../client/session.ts'
import { counted, formatAgo } from '../../format.ts'
import { keyHref } from '../../links.ts'
import { Chip } from '../../parts/chip.tsx'
import { Meter } from '../../parts/meter.tsx'
import { Seal } from '../../parts/seal.tsx'

export interface KeyRowProps {
  readonly rootKey: RootKey
  readonly instance: Instance
  /** That it protects; undefined: they are not for whoever is signed in to see. */
  readonly buckets: number | undefined
}

export const KeyRow = ({ rootKey, instance, buckets }: KeyRowProps) => (
  <a class="key-row" href={keyHref(instance, rootKey)}>
    <Seal isDisabled={rootKey.state !== 1} />
    <span>
      <b class="ellipsis">{keyLabel(rootKey)}</b>
      <span class="second">
        {instance.name}
        {buckets !== undefined && ` · ${counted(buckets, 'bucket')}`}
      </span>
    </span>
    <Rotation rootKey={rootKey} />
    {rootKey.state === 1 ? (
      <Chip tone="ok" isSmall>
        Active
      </Chip>
    ) : (
      <Chip tone="bad" isSmall>
        {rootKey.state === 2 ? 'Disabled' : 'Deactivated'}
      </Chip>
    )}
  </a>
)

const DAY_MS = 86_400_000
const MONTH_MS = 30 * DAY_MS

function Rotation({ rootKey }: Pick<KeyRowProps, 'rootKey'>) {
  const { rotation, state, imported, lastRotateDate, creationDate, lastUpdateDate } = rootKey
  const text = (of: string) => <span class="tiny muted">{of}</span>
  if (state === 2) return text(`Disabled ${formatAgo(lastUpdateDate)}`)
  if (!rotation?.enabled) return text(imported ? 'Imported, rotate by hand' : 'Rotates by hand')
  const since = Date.parse(lastRotateDate ?? creationDate)
  const due = since + rotation.interval_month * MONTH_MS
  return (
    <span class="stack tight">
      <Meter label="Until the next rotation" value={Date.now() - since} max={due - since} tone="brass" />
      {text(`Rotates ${formatAgo(due)}`)}
    </span>
  )
}
