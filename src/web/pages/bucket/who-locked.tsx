import type { LockCause } from '../../client/bucket-facts.ts'
import type { RootKey } from '../../client/key-protect.ts'
import { type Deed, type DeedOnKey, whoDidIt, whoDidThem } from '../../client/lock-story.ts'
import { formatAgo } from '../../format.ts'
import { useLoad } from '../../use-load.ts'

export interface WhoLockedProps {
  readonly rootKeyCrn: string | undefined
  readonly cause: LockCause
}

/** Who made the key unusable, when and why, in a sentence; nothing for who may not see the audit log. */
export function WhoLocked({ rootKeyCrn, cause }: WhoLockedProps) {
  const deed = useLoad((signal) => whoDidIt(rootKeyCrn, cause, signal), [rootKeyCrn, cause], {
    topics: ['keys'],
    everyMs: 'never',
  }).value
  return deed ? ` ${sentenceOf(deed, cause)}` : null
}

export interface WhoLockedLineProps {
  readonly story: ReturnType<DeedOnKey>
}

/** The same on a line of its own, in lists, which read it once for all their rows. */
export const WhoLockedLine = ({ story }: WhoLockedLineProps) =>
  story ? <span class="muted small who-locked">{sentenceOf(story.deed, story.cause)}</span> : null

const sentenceOf = ({ who, at, why }: Deed, cause: LockCause): string =>
  `${who} ${cause === 'deleted' ? 'deleted' : 'disabled'} it ${formatAgo(at)}${why === '' ? '.' : `: “${why}”.`}`

/** Of these keys; of none until it is known. */
export function useDeedsOn(keys: readonly RootKey[]): DeedOnKey {
  const standings = keys.map(({ crn, state }) => `${crn} ${state}`).join()
  const known = useLoad((signal) => whoDidThem(keys, signal), [standings], { topics: ['keys'], everyMs: 'never' }).value
  return known ?? nothingKnown
}

const nothingKnown: DeedOnKey = () => undefined
