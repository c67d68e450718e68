import { keyLabel } from '../../client/key-protect.ts'
import { keyInstances, session } from '../../client/session.ts'
import { counted, formatBytes } from '../../format.ts'
import { keyHref } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Seal } from '../../parts/seal.tsx'
import { href, navigate, ROOT, setQuery, usePlace } from '../../router.ts'
import { useLoad } from '../../use-load.ts'
import { useCreateKeyRight } from '../../use-rights.ts'
import { CreateKey } from './create-key.tsx'
import { standingOf } from './key-facts.ts'
import { KeyFilters } from './key-filters.tsx'
import { KeyTable } from './key-table.tsx'
import { type ListedKey, readExtras, readKeys } from './read-keys.ts'

export const Page = () => {
  const { path, query } = usePlace()
  const keys = useLoad(readKeys, [], { topics: ['keys', 'buckets'] })
  const all = keys.value ?? []
  const shown = all.filter((one) => isWanted(one, query))
  const extras = useLoad((signal) => readExtras(shown, signal), [shown.map(({ key }) => [key.crn, key.lastUpdateDate])])
  const way = query.has('import') ? 'import' : path === '/create-key' || query.has('create') ? 'create' : undefined
  const back = query.get('back')
  const isReturning = back?.startsWith(`${ROOT}/`) === true
  const close = (): void => {
    if (isReturning) navigate(back)
    else if (path === '/create-key') navigate(href(['keys']), { replace: true })
    else setQuery({ create: undefined, import: undefined, name: undefined })
  }
  const missingRight = useCreateKeyRight()
  const noInstance = keyInstances().length === 0 ? 'There is no Key Protect instance in this account' : missingRight
  return (
    <>
      <PageHead
        title="Root keys"
        sub="A root key seals the data keys of its buckets. Whoever holds it decides who can read."
        actions={
          <>
            <Button icon="upload" disabledBecause={noInstance} onClick={() => setQuery({ import: '' }, {})}>
              Import
            </Button>
            <Button
              kind="primary"
              icon="plus"
              disabledBecause={noInstance}
              onClick={() => setQuery({ create: '' }, {})}
            >
              Create root key
            </Button>
          </>
        }
      />
      <div class="stack">
        <Loaded load={keys} failed="The root keys could not be listed." skeletonRows={6}>
          {() => (
            <Card isFlush>
              {all.length > 0 && <KeyFilters keys={all} note={summary(shown, extras.value)} />}
              {all.length === 0 ? (
                <EmptyState
                  figure={<Seal size={54} />}
                  title="No root keys yet"
                  text="Buckets are encrypted under keys that Coffer manages until one of yours protects them."
                  action={
                    <Button kind="primary" disabledBecause={noInstance} onClick={() => setQuery({ create: '' }, {})}>
                      Create root key
                    </Button>
                  }
                />
              ) : shown.length === 0 ? (
                <EmptyState
                  title="No key matches"
                  action={
                    <Button onClick={() => setQuery({ q: undefined, instance: undefined, state: undefined })}>
                      Show all
                    </Button>
                  }
                />
              ) : (
                <KeyTable keys={shown} extras={extras.value} />
              )}
            </Card>
          )}
        </Loaded>
        <CliHint command="coffer key ls" />
      </div>
      {way && (
        <CreateKey
          way={way}
          name={query.get('name') ?? ''}
          instance={query.get('instance') ?? undefined}
          onClose={close}
          onDone={(instance, key) => navigate(isReturning ? back : keyHref(instance, key))}
        />
      )}
    </>
  )
}

function isWanted({ key, instance }: ListedKey, query: URLSearchParams): boolean {
  const text = (query.get('q') ?? '').trim().toLowerCase()
  const state = query.get('state') ?? 'all'
  const named = [keyLabel(key), key.name, key.id, key.description ?? '', ...(key.aliases ?? [])]
  return (
    (text === '' || named.some((name) => name.toLowerCase().includes(text))) &&
    (query.get('instance') === null || [instance.guid, instance.name].includes(query.get('instance') ?? '')) &&
    (state === 'all' ? key.state !== 5 : state === standingOf(key).id || (state === 'active' && key.state === 1))
  )
}

function summary(
  keys: readonly ListedKey[],
  extras: ReadonlyMap<string, { readonly bytes: number | undefined }> | undefined,
): string {
  const buckets = new Set(keys.flatMap((one) => one.buckets ?? []))
  const bytes = keys.map(({ key }) => extras?.get(key.crn)?.bytes)
  const isKnown = session().halves.objects && bytes.length > 0 && bytes.every((one) => one !== undefined)
  const sum = bytes.reduce<number>((total, one) => total + (one ?? 0), 0)
  return [counted(keys.length, 'key'), counted(buckets.size, 'bucket'), ...(isKnown ? [formatBytes(sum)] : [])].join(
    ' · ',
  )
}
