import type { ComponentChildren } from 'preact'
import { type ActivityEntry, whoOf } from '../../client/activity.ts'
import { session } from '../../client/session.ts'
import { lastOfCrn, shortId } from '../../format.ts'
import { instanceOfCrn } from '../../links.ts'
import { classes } from '../../parts/class-names.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Icon, type IconName } from '../../parts/icon.tsx'
import { Time } from '../../parts/time.tsx'
import { href } from '../../router.ts'
import { isOfRootKey, refusedWords } from '../who-can-read/words.ts'
import { type NamedKeys, nameOfKey } from './key-names.ts'

export interface ActivityListProps {
  readonly entries: readonly ActivityEntry[]
  readonly names: NamedKeys
}

export const ActivityList = ({ entries, names }: ActivityListProps) =>
  entries.length === 0 ? (
    <EmptyState title="Nothing has happened yet" />
  ) : (
    <ul class="activity-list">
      {entries.map((entry) => (
        <li key={entry.seq}>
          <span class={classes('activity-icon', toneOf(entry))}>
            <Icon name={iconOf(entry)} size="small" />
          </span>
          <span>
            <span class="clamped">
              <b>{whoOf(entry)}</b> {entry.said.did} <span class="mono">{whatOf(entry, names)}</span>
            </span>
            <span class="second">{detailOf(entry, names)}</span>
          </span>
          <span class="muted small nowrap">
            <Time at={entry.time} />
          </span>
        </li>
      ))}
    </ul>
  )

/** In few words: a bucket, an object, a key. */
export function whatOf({ said: { what } }: ActivityEntry, names: NamedKeys): string {
  if (what.bucket !== undefined) return what.object === undefined ? what.bucket : `${what.bucket}/${what.object}`
  if (what.rootKey !== undefined) return nameOfKey(what.rootKey, names)
  if (what.name === undefined) return ''
  const { name } = what
  return session().instances.find(({ guid }) => name.includes(guid))?.name ?? shortId(lastOfCrn(name) || name)
}

function detailOf({ outcome, code, sourceIp, kind, why, key }: ActivityEntry, names: NamedKeys): ComponentChildren {
  if (outcome === 'failure' && key !== undefined && isOfRootKey(code)) {
    const instance = instanceOfCrn(key)
    const name = nameOfKey(key, names)
    return (
      <>
        refused:{' '}
        {instance ? (
          <a class="inline-link" href={href(['keys', instance.name, lastOfCrn(key)])}>
            {name}
          </a>
        ) : (
          name
        )}{' '}
        {refusedWords(code)}
      </>
    )
  }
  if (outcome === 'failure') return `refused: ${code ?? 'failed'}`
  return [why === undefined ? KINDS[kind] : `“${why}”`, sourceIp === undefined ? undefined : `from ${sourceIp}`]
    .filter((part) => part !== undefined)
    .join(', ')
}

const KINDS: Readonly<Record<string, string>> = { key: 'root key', 'data-key': 'data key', iam: 'access' }

const toneOf = ({ outcome, kind }: ActivityEntry): string =>
  outcome === 'failure' ? 'bad' : kind === 'key' ? 'brass' : kind === 'iam' ? 'ok' : 'dek'

const ICONS: Readonly<Record<string, IconName>> = { key: 'key', 'data-key': 'unlock', iam: 'shield' }
const iconOf = ({ kind, action }: ActivityEntry): IconName =>
  action.endsWith('.rotate') ? 'rotate' : action.endsWith('.disable') ? 'lock' : (ICONS[kind] ?? 'bucket')
