import { useEffect, useState } from 'preact/hooks'
import { isStatus } from '../../client/api-error.ts'
import { inShell } from '../../in-shell.ts'
import { instanceNamed, keyHref, keyReference } from '../../links.ts'
import { Button } from '../../parts/button.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Seal } from '../../parts/seal.tsx'
import { href, navigate, usePlace } from '../../router.ts'
import { useLoad } from '../../use-load.ts'
import { DataKeysCard } from '../metrics/data-keys-card.tsx'
import type { PageProps } from '../page.ts'
import { KeyAbout } from './key-about.tsx'
import { KeyActivity } from './key-activity.tsx'
import { closeDrawer, KeyDrawer } from './key-drawers.tsx'
import { KeyHead } from './key-head.tsx'
import { KeyStateNote } from './key-state-note.tsx'
import { ProtectedBuckets } from './protected-buckets.tsx'
import { readKey, readKeyHistory } from './read-key.ts'
import { VersionsCard } from './versions-card.tsx'

export function Page({ params }: PageProps) {
  const instance = instanceNamed(params['instance'] ?? '')
  return instance ? (
    <KeyPage instance={instance} name={params['key'] ?? ''} />
  ) : (
    <NoInstance name={params['instance']} />
  )
}

const NoInstance = ({ name }: { readonly name: string | undefined }) => (
  <>
    <PageHead title="No such instance" />
    <EmptyState
      figure={<Seal size={54} isDisabled />}
      title={`There is no Key Protect instance ${name}`}
      text="It may have been deleted, or be of another account."
      action={<Button href={href(['keys'])}>All root keys</Button>}
    />
  </>
)

interface KeyPageProps {
  readonly instance: NonNullable<ReturnType<typeof instanceNamed>>
  readonly name: string
}

const EVERY_MS = 15_000
const EVERY_MS_REWRAPPING = 3000

function KeyPage({ instance, name }: KeyPageProps) {
  const { query } = usePlace()
  const [isRewrapping, setRewrapping] = useState(false)
  const whole = useLoad((signal) => readKey(instance, name, signal), [instance.guid, name], {
    topics: ['keys', 'buckets', 'jobs'],
    everyMs: isRewrapping ? EVERY_MS_REWRAPPING : EVERY_MS,
  })
  const crn = whole.value?.rootKey.crn
  const history = useLoad(async (signal) => (crn === undefined ? undefined : readKeyHistory(crn, signal)), [crn], {
    topics: ['keys', 'buckets'],
    everyMs: 'never',
  })
  const jobs = whole.value?.jobs
  useEffect(() => setRewrapping(jobs?.some(({ state }) => state === 'running') ?? false), [jobs])
  if (isStatus(whole.error, 404, 410)) {
    return (
      <>
        <PageHead title={name} figure={<Seal size={54} isDisabled />} />
        <EmptyState
          title={`There is no root key ${name} in ${instance.name}`}
          text="It may have been purged, or have lost this alias."
          action={<Button href={href(['keys'])}>All root keys</Button>}
        />
      </>
    )
  }
  return (
    <Loaded
      load={whole}
      failed={`The root key ${name} could not be read.`}
      needs={`Reader on ${instance.name}`}
      skeletonRows={8}
    >
      {(value) => {
        const { rootKey, versions, usage } = value
        const close = (): void => {
          closeDrawer()
          // A deleted key has lost its aliases: its own id leads to it for good.
          if (rootKey.state === 5) navigate(keyHref(instance, rootKey), { replace: true })
        }
        return (
          <>
            <KeyHead instance={instance} rootKey={rootKey} />
            <div class="stack">
              <KeyStateNote instance={instance} rootKey={rootKey} history={history.value?.entries} />
              <VersionsCard {...value} instance={instance} history={history.value?.entries} />
              <div class="columns wide-left">
                <div class="stack">
                  <ProtectedBuckets {...value} />
                  <KeyActivity rootKey={rootKey} history={history} />
                </div>
                <div class="stack">
                  <DataKeysCard title="Unwraps" of={{ key: rootKey.crn }}>
                    <p class="muted small">
                      Every use counts, also of a data key that was still in memory: it is kept there for a minute at
                      most, and only while this key may be used.
                    </p>
                  </DataKeysCard>
                  <KeyAbout instance={instance} rootKey={rootKey} />
                </div>
              </div>
              <CliHint
                command={['show', 'buckets']
                  .map((verb) => `coffer key ${verb} ${inShell(keyReference(instance, rootKey))}`)
                  .join('\n')}
              />
            </div>
            <KeyDrawer
              name={query.get('do')}
              instance={instance}
              rootKey={rootKey}
              versions={versions}
              usage={usage}
              onClose={close}
            />
          </>
        )
      }}
    </Loaded>
  )
}
