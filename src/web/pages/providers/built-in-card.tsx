import { useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../client/api-error.ts'
import { keyLabel, listKeys, type RootKey, wrapAndUnwrap } from '../../client/key-protect.ts'
import type { Instance } from '../../client/session.ts'
import { counted } from '../../format.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { Details } from '../../parts/details.tsx'
import { ErrorState } from '../../parts/error-state.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Note } from '../../parts/note.tsx'
import { href } from '../../router.ts'
import { useLoad } from '../../use-load.ts'

/** An instance of Key Protect in this server. */
export function BuiltInCard({ instance }: { readonly instance: Instance }) {
  const load = useLoad((signal) => listKeys(instance, { signal }), [instance.guid], { topics: ['keys'] })
  const usable = load.value?.find(({ state }) => state === 1)
  return (
    <Card
      title={instance.name}
      note="built-in Key Protect"
      actions={
        load.value && (
          <Chip isSmall tone="ok" hasDot>
            Answers
          </Chip>
        )
      }
    >
      <div class="stack">
        <Loaded load={load} failed={`${instance.name} does not answer.`} skeletonRows={3}>
          {(keys) => (
            <Details
              items={[
                ['Region', instance.region],
                [
                  'Root keys',
                  <a key="keys" href={href(['keys'], { instance: instance.name })}>
                    {counted(keys.length, 'key')}
                  </a>,
                ],
                ['Disabled', String(keys.filter(({ state }) => state === 2).length)],
                ['Instance', <code key="guid">{instance.guid}</code>],
              ]}
            />
          )}
        </Loaded>
        <Test instance={instance} rootKey={usable} />
      </div>
    </Card>
  )
}

interface TestProps {
  readonly instance: Instance
  readonly rootKey: RootKey | undefined
}

const PROBE_BYTES = 32

/** Wraps a probe and unwraps it again, as a store would. */
function Test({ instance, rootKey }: TestProps) {
  const [tookMs, setTookMs] = useState<number>()
  const [error, setError] = useState<ApiError>()
  const [isBusy, setBusy] = useState(false)
  const test = async (): Promise<void> => {
    if (!rootKey) return
    setBusy(true)
    setError(undefined)
    setTookMs(undefined)
    const probe = btoa(String.fromCharCode(...globalThis.crypto.getRandomValues(new Uint8Array(PROBE_BYTES))))
    const began = performance.now()
    try {
      const back = await wrapAndUnwrap(instance, rootKey.id, probe)
      if (back !== probe) throw new Error('What came back is not what was wrapped.')
      setTookMs(performance.now() - began)
    } catch (cause) {
      setError(toApiError(cause))
    }
    setBusy(false)
  }
  return (
    <div class="stack tight">
      <div class="row wrap">
        <Button
          isSmall
          icon="rotate"
          isBusy={isBusy}
          disabledBecause={rootKey ? undefined : 'It has no active root key'}
          onClick={() => void test()}
        >
          Test
        </Button>
        <span class="muted small">
          {rootKey ? `wraps a probe under ${keyLabel(rootKey)} and unwraps it` : 'takes an active root key'}
        </span>
      </div>
      <div aria-live="polite">
        {tookMs !== undefined && (
          <Note tone="ok" icon="check">
            Wrapped and unwrapped in {tookMs.toFixed(0)} ms, the way from this browser included.
          </Note>
        )}
        {error && <ErrorState title="The probe did not come back." error={error} />}
      </div>
    </div>
  )
}
