import { useEffect, useId, useMemo, useState } from 'preact/hooks'
import { keyLabel, listKeys } from '../client/key-protect.ts'
import { listBuckets } from '../client/s3.ts'
import { keyInstances, session } from '../client/session.ts'
import { signOut } from '../client/sign-in.ts'
import { bucketHref, createBucketHref, keyHref, objectsHref } from '../links.ts'
import { classes } from '../parts/class-names.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { told } from '../parts/toast.tsx'
import { useModal } from '../parts/use-modal.ts'
import { href, navigate } from '../router.ts'
import { useLoad } from '../use-load.ts'
import { ALL_ENTRIES } from './nav.ts'

interface Command {
  readonly id: string
  readonly title: string
  readonly kind: string
  readonly icon: IconName
  readonly run: () => void
}

const MOST = 60

/** Anything by its name: pages, buckets, a prefix in one (`bucket/2026/`), keys, actions. */
export function CommandMenu({ onClose, onTheme }: { readonly onClose: () => void; readonly onTheme: () => void }) {
  const id = useId()
  const dialog = useModal(onClose)
  const [text, setText] = useState('')
  const [active, setActive] = useState(0)
  const things = useLoad(readThings, [])
  const all = useMemo(() => [...pages(), ...actions(onTheme), ...(things.value ?? [])], [things.value])
  const found = [...prefixIn(text), ...all.filter((command) => matches(command, text))].slice(0, MOST)
  useEffect(() => setActive(0), [text])
  useEffect(() => {
    document.getElementById(`${id}-${active}`)?.scrollIntoView({ block: 'nearest' })
  }, [active])

  const choose = (command: Command | undefined): void => {
    if (!command) return
    onClose()
    command.run()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const last = found.length - 1
    if (event.key === 'ArrowDown') setActive(Math.min(last, active + 1))
    else if (event.key === 'ArrowUp') setActive(Math.max(0, active - 1))
    else if (event.key === 'Enter') choose(found[active])
    else return
    event.preventDefault()
  }
  return (
    <dialog ref={dialog} class="command" aria-label="Search and commands">
      <div class="command-input">
        <Icon name="search" />
        <input
          role="combobox"
          aria-label="Search"
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={found.length > 0 ? `${id}-${active}` : undefined}
          placeholder="Search buckets, objects, keys…"
          autofocus
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <kbd>Esc</kbd>
      </div>
      <div class="command-list" id={`${id}-list`} role="listbox" aria-label="Results">
        {found.map((command, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are heard by the field, which keeps the focus
          // biome-ignore lint/a11y/useFocusableInteractive: it is named by aria-activedescendant
          <div
            key={command.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === active}
            class={classes('command-item', index === active && 'active')}
            onClick={() => choose(command)}
            onPointerMove={() => setActive(index)}
          >
            <Icon name={command.icon} />
            <span class="ellipsis">{command.title}</span>
            <span class="muted">{command.kind}</span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p class="empty muted">Nothing of that name.</p>}
    </dialog>
  )
}

const goTo = (to: string) => () => navigate(to)

const pages = (): readonly Command[] =>
  ALL_ENTRIES.filter(({ needs }) => needs === undefined || session().halves[needs]).map(
    ({ area, title, icon, href: to }) => ({
      ...{ id: `page ${area}`, title, icon },
      kind: 'Page',
      run: goTo(to),
    }),
  )

function actions(onTheme: () => void): readonly Command[] {
  const { halves } = session()
  const action = (title: string, icon: IconName, run: () => void): Command => ({
    id: title,
    title,
    kind: 'Action',
    icon,
    run,
  })
  return [
    ...(halves.objects ? [action('Create bucket', 'plus', goTo(createBucketHref()))] : []),
    ...(halves.keys ? [action('Create root key', 'key', goTo(href(['keys'], { create: '' })))] : []),
    ...(halves.keys ? [action('Create authorization', 'shield', goTo(href(['authorizations'], { create: '' })))] : []),
    action('Switch theme', 'moon', onTheme),
    action('Sign out', 'signOut', () => void told(signOut())),
  ]
}

async function readThings(signal: AbortSignal): Promise<readonly Command[]> {
  const { halves } = session()
  const buckets = halves.objects ? listBuckets(signal).catch(() => []) : []
  const keys = halves.keys
    ? keyInstances().map((instance) =>
        listKeys(instance, { signal })
          .then((of) => of.map((key) => ({ key, instance })))
          .catch(() => []),
      )
    : []
  const [listed, ...keyed] = await Promise.all([buckets, ...keys])
  return [
    ...listed.map(
      ({ name }): Command => ({
        ...{ id: `bucket ${name}`, title: name, kind: 'Bucket', icon: 'bucket' },
        run: goTo(bucketHref(name)),
      }),
    ),
    ...keyed.flat().map(
      ({ key, instance }): Command => ({
        ...{ id: `key ${key.id}`, title: keyLabel(key), kind: `Root key in ${instance.name}`, icon: 'key' },
        run: goTo(keyHref(instance, key)),
      }),
    ),
  ]
}

/** `bucket/some/prefix` goes there. */
function prefixIn(text: string): readonly Command[] {
  const slash = text.indexOf('/')
  if (slash < 1 || !session().halves.objects) return []
  const [bucket, prefix] = [text.slice(0, slash), text.slice(slash + 1)]
  const run = goTo(objectsHref(bucket, prefix))
  return [{ id: 'prefix', title: text, kind: 'Objects', icon: 'folder', run }]
}

const matches = ({ title, kind }: Command, text: string): boolean =>
  text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => `${title} ${kind}`.toLowerCase().includes(word))
