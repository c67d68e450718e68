import type { DeedOnKey } from '../../client/lock-story.ts'
import type { Instance } from '../../client/session.ts'
import { counted, formatAgo } from '../../format.ts'
import { Button } from '../../parts/button.tsx'
import { Chip } from '../../parts/chip.tsx'
import { Listbox, type ListboxOption } from '../../parts/listbox.tsx'
import { Seal } from '../../parts/seal.tsx'
import { useDeedsOn, WhoLockedLine } from '../bucket/who-locked.tsx'
import { everyMonths, isUsable, rotationOf, standingOf } from '../keys/key-facts.ts'
import type { KeyToChoose } from './list-keys.ts'

export interface KeyChoiceProps {
  readonly instance: Instance
  readonly keys: readonly KeyToChoose[]
  readonly value: string | undefined
  readonly error?: string | undefined
  readonly onCreate: () => void
  readonly onChange: (keyId: string) => void
}

/** A root key by its seal. Those that cannot protect anything new are shown, and cannot be chosen. */
export function KeyChoice({ instance, keys, value, error, onCreate, onChange }: KeyChoiceProps) {
  const deedOn = useDeedsOn(keys.map(({ key }) => key))
  return (
    <Listbox
      label="Key Name"
      value={value}
      options={keys.map((choice) => optionOf(choice, deedOn))}
      onChange={onChange}
      error={error}
      placeholder={keys.length === 0 ? `No root key in ${instance.name} yet` : 'Choose a root key…'}
      footer={
        <Button kind="ghost" isSmall icon="plus" onClick={onCreate}>
          {`Create a root key in ${instance.name}`}
        </Button>
      }
    />
  )
}

function optionOf(choice: KeyToChoose, deedOn: DeedOnKey): ListboxOption {
  const { key, label, buckets } = choice
  const isDisabled = !isUsable(key)
  const standing = standingOf(key)
  return {
    value: key.id,
    text: label,
    isDisabled,
    chosen: (
      <>
        <Seal size={20} isDisabled={isDisabled} />
        <span class="ellipsis">{label}</span>
      </>
    ),
    row: (
      <span class="key-option">
        <Seal size={24} isDisabled={isDisabled} />
        <b class="ellipsis">{label}</b>
        <span class="muted small">{isDisabled ? 'can’t protect new buckets' : versionText(choice)}</span>
        <span class="muted small">{isDisabled || buckets === undefined ? '' : protectsText(buckets)}</span>
        <Chip isSmall tone={standing.tone}>
          {standing.label}
        </Chip>
        <WhoLockedLine story={deedOn(key)} />
      </span>
    ),
  }
}

const protectsText = (buckets: number): string =>
  buckets === 0 ? 'protects nothing yet' : `protects ${counted(buckets, 'bucket')}`

function versionText({ version, key }: KeyToChoose): string {
  const rotation = rotationOf(key)
  const how =
    rotation === undefined
      ? 'rotated by hand'
      : standingOf(key).id === 'due'
        ? `rotation due ${formatAgo(rotation.atMs)}`
        : everyMonths(rotation.months)
  return version === undefined ? how : `v${version}, ${how}`
}
