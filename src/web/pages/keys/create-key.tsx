import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../client/api-error.ts'
import { keyLabel, listKeyRings, type RootKey } from '../../client/key-protect.ts'
import { type Instance, keyInstances } from '../../client/session.ts'
import { instanceNamed } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { Checkbox } from '../../parts/checkbox.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { Drawer } from '../../parts/drawer.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { Field } from '../../parts/field.tsx'
import { Seal } from '../../parts/seal.tsx'
import { Segmented } from '../../parts/segmented.tsx'
import { Select } from '../../parts/select.tsx'
import { toast } from '../../parts/toast.tsx'
import { useLoad } from '../../use-load.ts'
import { useRights } from '../../use-rights.ts'
import { AdvancedKeyOptions } from './advanced-key-options.tsx'
import { MaterialField } from './material-field.tsx'
import { aliasFor, aliasProblem, commandFor, EMPTY_KEY, type NewKey, nameProblem, submitKey } from './new-key.ts'

export interface CreateKeyProps {
  readonly way?: 'create' | 'import'
  readonly name?: string
  /** Name or GUID. Default: the only one, or the first. */
  readonly instance?: string | undefined
  readonly onClose: () => void
  readonly onDone: (instance: Instance, key: RootKey) => void
}

/** Beside whatever page it is opened from. */
export function CreateKey({ way: firstWay = 'create', name = '', instance: wanted, onClose, onDone }: CreateKeyProps) {
  const instances = keyInstances()
  const [way, setWay] = useState(firstWay)
  const [instance, setInstance] = useState(() => instanceNamed(wanted ?? '') ?? instances[0])
  const [form, setForm] = useState<NewKey>({ ...EMPTY_KEY, name, aliases: aliasFor(name) })
  const [material, setMaterial] = useState<Uint8Array<ArrayBuffer>>()
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const rings = useLoad(async () => (instance ? listKeyRings(instance) : []), [instance?.guid])
  const change = (part: Partial<NewKey>): void => setForm((before) => ({ ...before, ...part }))
  const changeName = (next: string): void =>
    change({ name: next, ...(form.aliases === aliasFor(form.name) ? { aliases: aliasFor(next) } : {}) })
  const missing = useRights(instance?.crn ?? '', instance?.name ?? '', ['kms.secrets.create'])
  const isReady =
    instance !== undefined &&
    form.name !== '' &&
    nameProblem(form.name) === undefined &&
    aliasProblem(form) === undefined &&
    (way === 'create' || material !== undefined)

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (!isReady || isBusy) return
    setBusy(true)
    setError(undefined)
    try {
      const key = await submitKey(instance, form, way === 'import' ? material : undefined)
      toast(`${keyLabel(key)} was ${way === 'import' ? 'imported' : 'created'}`)
      onDone(instance, key)
    } catch (cause) {
      setError(toApiError(cause))
      setBusy(false)
    }
  }

  return (
    <Drawer
      isNarrow
      figure={<Seal size={40} />}
      title={`${way === 'import' ? 'Import' : 'Create'} root key`}
      sub={instance && `In ${instance.name}, ${instance.region}`}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            type="submit"
            form="new-key"
            isDisabled={!isReady}
            isBusy={isBusy}
            disabledBecause={missing('kms.secrets.create')}
          >
            {way === 'import' ? 'Import key' : 'Create key'}
          </Button>
        </>
      }
    >
      <form id="new-key" class="stack" onSubmit={(event) => void submit(event)}>
        <Segmented
          label="Where the key comes from"
          value={way}
          options={[
            { value: 'create', label: 'Create a key' },
            { value: 'import', label: 'Import your own key' },
          ]}
          onChange={setWay}
        />
        {instances.length > 1 && (
          <Select
            label="Key Protect instance"
            value={instance?.guid ?? ''}
            options={instances.map(({ guid, name: title, region }) => ({ value: guid, label: `${title}, ${region}` }))}
            onChange={(guid) => setInstance(instanceNamed(guid))}
          />
        )}
        <Field
          label="Key name"
          value={form.name}
          onInput={changeName}
          hasFocus
          isRequired
          error={nameProblem(form.name)}
          hint="2 to 90 characters, no personal data"
        />
        <Field
          label="Description"
          note="optional"
          value={form.description}
          onInput={(description) => change({ description })}
        />
        {way === 'import' && <MaterialField onChange={setMaterial} />}
        <AdvancedKeyOptions
          form={form}
          rings={rings.value ?? ['default']}
          canRotate={way === 'create'}
          onChange={change}
        />
        <Checkbox
          label="Deleting it needs two people"
          isChecked={form.needsTwo}
          onChange={(needsTwo) => change({ needsTwo })}
        />
        {error && <ErrorState title="The key was not made." error={error} />}
        <CliHint command={commandFor(way, instance, form)} />
      </form>
    </Drawer>
  )
}
