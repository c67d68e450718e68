import { useState } from 'preact/hooks'
import { addAlias, type RootKey, removeAlias } from '../../client/key-protect.ts'
import type { Instance } from '../../client/session.ts'
import { Button, IconButton } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { Copy } from '../../parts/copy.tsx'
import { Details } from '../../parts/details.tsx'
import { Field } from '../../parts/field.tsx'
import { Time } from '../../parts/time.tsx'
import { told } from '../../parts/toast.tsx'
import { useKeyRights } from '../../use-rights.ts'
import { MAX_ALIASES } from '../keys/new-key.ts'

export interface KeyAboutProps {
  readonly instance: Instance
  readonly rootKey: RootKey
}

export const KeyAbout = ({ instance, rootKey }: KeyAboutProps) => (
  <Card title="About this key">
    <div class="stack">
      <Details
        items={[
          ['Name', rootKey.name],
          ...(rootKey.description ? [['Description', rootKey.description] as const] : []),
          ['Material', rootKey.imported ? 'imported' : `made in ${instance.name}`],
          ['Key ring', rootKey.keyRingID],
          ['Created', <Time key="created" at={rootKey.creationDate} />],
          ['Last rotated', <Time key="rotated" at={rootKey.lastRotateDate} />],
          ...(rootKey.expirationDate ? [['Expires', <Time key="expires" at={rootKey.expirationDate} />] as const] : []),
          ['Deletion', rootKey.dualAuthDelete.enabled ? 'takes two people' : 'takes one person'],
          [
            'CRN',
            <span key="crn" class="id-with-copy">
              <code class="ellipsis">{rootKey.crn}</code>
              <Copy text={rootKey.crn} label="Copy the CRN" />
            </span>,
          ],
        ]}
      />
      <Aliases instance={instance} rootKey={rootKey} />
    </div>
  </Card>
)

function Aliases({ instance, rootKey }: KeyAboutProps) {
  const [text, setText] = useState('')
  const missing = useKeyRights(instance, rootKey)
  const aliases = rootKey.aliases ?? []
  const change = async (work: Promise<void>, done: string): Promise<void> => {
    if (await told(work, done)) setText('')
  }
  const add = (event: Event): void => {
    event.preventDefault()
    const alias = text.trim()
    if (alias !== '') void change(addAlias(instance, rootKey.id, alias), `${alias} names this key, too`)
  }
  return (
    <div class="stack tight">
      <h3>Aliases</h3>
      <div class="row wrap">
        {aliases.length === 0 && <span class="muted small">none</span>}
        {aliases.map((alias) => (
          <Chip key={alias} tone="brass">
            {alias}
            {missing('kms.secrets-alias.delete') === undefined && (
              <IconButton
                icon="close"
                label={`Remove the alias ${alias}`}
                isSmall
                onClick={() => void change(removeAlias(instance, rootKey.id, alias), `${alias} names no key any more`)}
              />
            )}
          </Chip>
        ))}
      </div>
      {rootKey.state !== 5 && aliases.length < MAX_ALIASES && (
        <form class="alias-form" onSubmit={add}>
          <Field
            label={<span class="sr-only">New alias</span>}
            placeholder="new-alias"
            value={text}
            onInput={setText}
            isCode
          />
          <Button
            type="submit"
            isSmall
            disabledBecause={missing('kms.secrets-alias.create')}
            isDisabled={text.trim() === ''}
          >
            Add
          </Button>
        </form>
      )}
    </div>
  )
}
