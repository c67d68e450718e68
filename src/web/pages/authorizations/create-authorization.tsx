import { useState } from 'preact/hooks'
import { type ApiError, isStatus, toApiError } from '../../client/api-error.ts'
import { createAuthorization } from '../../client/iam.ts'
import { keyLabel, listKeyRings, listKeys } from '../../client/key-protect.ts'
import { type Instance, keyInstances, objectInstances, session } from '../../client/session.ts'
import { inShell } from '../../in-shell.ts'
import { instanceNamed } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { Chip } from '../../parts/chip.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { Drawer } from '../../parts/drawer.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { Note } from '../../parts/note.tsx'
import { type Option, Select } from '../../parts/select.tsx'
import { toast } from '../../parts/toast.tsx'
import { useLoad } from '../../use-load.ts'
import { RoleCard } from './role-card.tsx'

export interface CreateAuthorizationProps {
  /** Names or GUIDs. Default: the first of each. */
  readonly source?: string | undefined
  readonly target?: string | undefined
  /** Id of a root key: it alone. */
  readonly rootKey?: string | undefined
  /** To where it was opened from, when it is done. */
  readonly isReturning?: boolean
  readonly onClose: () => void
}

const EVERY = ''

export function CreateAuthorization(props: CreateAuthorizationProps) {
  const { isReturning = false, onClose } = props
  const [source, setSource] = useState(() => (instanceNamed(props.source ?? '') ?? objectInstances()[0])?.guid ?? EVERY)
  const [target, setTarget] = useState(() => (instanceNamed(props.target ?? '') ?? keyInstances()[0])?.guid ?? EVERY)
  const [scope, setScope] = useState(props.rootKey === undefined ? '' : `key ${props.rootKey}`)
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const [from, to] = [instanceNamed(source), instanceNamed(target)]
  const scopes = useLoad(() => scopesOf(to), [target])

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (isBusy) return
    setBusy(true)
    setError(undefined)
    const [kind, id] = scope.split(' ', 2)
    try {
      await createAuthorization({
        ...{ sourceService: 'cloud-object-storage', targetService: 'kms' },
        ...(from ? { sourceInstance: from.guid } : {}),
        ...(to ? { targetInstance: to.guid } : {}),
        ...(kind === 'key' && id !== undefined ? { key: id } : {}),
        ...(kind === 'ring' && id !== undefined ? { keyRing: id } : {}),
      })
      toast(`${nameOf(from)} may use ${nameOf(to)}`)
      onClose()
    } catch (cause) {
      setError(toApiError(cause))
      setBusy(false)
    }
  }

  return (
    <Drawer
      isNarrow
      title="Create authorization"
      sub="Lets one service act on another, without sharing credentials."
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" form="new-authorization" isBusy={isBusy}>
            {isReturning ? 'Authorize and go back' : 'Authorize'}
          </Button>
        </>
      }
    >
      <form id="new-authorization" class="stack" onSubmit={(event) => void submit(event)}>
        <Pair
          service="Source service"
          title="Object Storage"
          label="Source instance"
          value={source}
          instances={objectInstances()}
          onChange={setSource}
        />
        <div class="may-use">
          <Chip tone="brass">may use root keys in</Chip>
        </div>
        <Pair
          service="Target service"
          title="Key Protect"
          label="Target instance"
          value={target}
          instances={keyInstances()}
          onChange={(guid) => {
            setTarget(guid)
            setScope('')
          }}
        />
        <Select
          label="Key scope"
          note="optional"
          value={scope}
          options={[{ value: '', label: `All root keys in ${nameOf(to)}` }, ...(scopes.value ?? [])]}
          onChange={setScope}
        />
        <RoleCard />
        {isElsewhere(from, to) && (
          <Note tone="warn" icon="alert">
            {from?.name} is in {from?.region}, and {to?.name} in {to?.region}. Keys in the same region answer sooner,
            and go on when the other region cannot be reached.
          </Note>
        )}
        <Note tone="ok">
          <b>After this</b>, Create bucket in {nameOf(from)} offers the keys in {nameOf(to)}. Existing buckets don’t
          change.
        </Note>
        {error && (
          <ErrorState
            title={
              isStatus(error, 401, 403)
                ? `Needs Administrator on ${to?.name ?? session().account.name}.`
                : 'The authorization was not created.'
            }
            error={error}
          />
        )}
        <CliHint
          command={[
            'coffer authorization create',
            ...(from ? [`--source ${inShell(from.name)}`] : []),
            ...(to ? [`--target ${inShell(to.name)}`] : []),
            ...(scope.startsWith('key ') ? [`--key ${inShell(scope.slice(4))}`] : []),
          ].join(' ')}
        />
      </form>
    </Drawer>
  )
}

const nameOf = (instance: Instance | undefined): string => instance?.name ?? 'every instance'

/** Object storage of no region in particular is everywhere. */
const isElsewhere = (from: Instance | undefined, to: Instance | undefined): boolean =>
  from !== undefined && to !== undefined && from.region !== 'global' && from.region !== to.region

async function scopesOf(instance: Instance | undefined): Promise<readonly Option[]> {
  if (!instance) return []
  const [keys, rings] = await Promise.all([listKeys(instance).catch(() => []), listKeyRings(instance).catch(() => [])])
  return [
    ...keys.map((key) => ({ value: `key ${key.id}`, label: `Only ${keyLabel(key)}` })),
    ...rings.map((ring) => ({ value: `ring ${ring}`, label: `Key ring ${ring}` })),
  ]
}

interface PairProps {
  readonly service: string
  readonly title: string
  readonly label: string
  readonly value: string
  readonly instances: readonly Instance[]
  readonly onChange: (guid: string) => void
}

const Pair = ({ service, title, label, value, instances, onChange }: PairProps) => (
  <div class="pair">
    <Select label={service} value={title} options={[{ value: title, label: title }]} onChange={() => undefined} />
    <Select
      label={label}
      value={value}
      options={[
        ...instances.map(({ guid, name, region }) => ({ value: guid, label: `${name}, ${region}` })),
        { value: EVERY, label: 'Every instance' },
      ]}
      onChange={onChange}
    />
  </div>
)
