import { keyLabel, type RootKey } from '../../client/key-protect.ts'
import type { Instance } from '../../client/session.ts'
import { createBucketHref } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { Chip } from '../../parts/chip.tsx'
import { Copy } from '../../parts/copy.tsx'
import { Menu, type MenuItem } from '../../parts/menu.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Seal } from '../../parts/seal.tsx'
import { href } from '../../router.ts'
import { useKeyRights } from '../../use-rights.ts'
import { standingOf } from '../keys/key-facts.ts'
import { openDrawer } from './key-drawers.tsx'

export interface KeyHeadProps {
  readonly instance: Instance
  readonly rootKey: RootKey
}

export function KeyHead({ instance, rootKey }: KeyHeadProps) {
  const { label, tone } = standingOf(rootKey)
  return (
    <PageHead
      figure={<Seal size={54} isDisabled={rootKey.state !== 1} />}
      title={keyLabel(rootKey)}
      mark={
        <Chip tone={tone} hasDot>
          {label}
        </Chip>
      }
      sub={
        <span class="row wrap">
          <span>
            Root key in <a href={href(['keys'], { instance: instance.name })}>{instance.name}</a>, {instance.region}
          </span>
          <span class="id-with-copy">
            <code>{rootKey.id}</code>
            <Copy text={rootKey.id} label="Copy the id" />
          </span>
        </span>
      }
      actions={<KeyActions instance={instance} rootKey={rootKey} />}
    />
  )
}

function KeyActions({ instance, rootKey }: KeyHeadProps) {
  const { state } = rootKey
  const missing = useKeyRights(instance, rootKey)
  if (state === 5) {
    return (
      <>
        <Button
          kind="primary"
          icon="rotate"
          disabledBecause={
            missing('kms.secrets.restore') ?? (rootKey.restoreAllowed ? undefined : 'It can no longer be restored')
          }
          onClick={() => openDrawer('restore')}
        >
          Restore…
        </Button>
        <Button
          kind="danger"
          icon="trash"
          disabledBecause={missing('kms.secrets.purge')}
          onClick={() => openDrawer('purge')}
        >
          Purge…
        </Button>
      </>
    )
  }
  const isUsable = state === 1
  const items: readonly (MenuItem | 'separator')[] = [
    {
      label: 'Edit policies…',
      icon: 'gear',
      disabledBecause: missing('kms.policies.write'),
      onSelect: () => openDrawer('policy'),
    },
    { label: 'Create a bucket under it', icon: 'bucket', href: createBucketHref(rootKey.crn) },
    'separator',
    {
      label: 'Delete…',
      icon: 'trash',
      isDanger: true,
      disabledBecause: missing('kms.secrets.delete'),
      onSelect: () => openDrawer('delete'),
    },
  ]
  return (
    <>
      <Button
        icon="rotate"
        disabledBecause={missing('kms.secrets.rotate') ?? (state === 2 ? 'A disabled key does not rotate' : undefined)}
        onClick={() => openDrawer('rotate')}
      >
        Rotate now
      </Button>
      {isUsable ? (
        <Button
          kind="danger"
          icon="lock"
          disabledBecause={missing('kms.secrets.disable')}
          onClick={() => openDrawer('disable')}
        >
          Disable…
        </Button>
      ) : (
        state === 2 && (
          <Button
            kind="primary"
            icon="unlock"
            disabledBecause={missing('kms.secrets.enable')}
            onClick={() => openDrawer('enable')}
          >
            Enable…
          </Button>
        )
      )}
      <Menu label="More actions of this key" buttonClass="icon-button bordered" items={items} />
    </>
  )
}
