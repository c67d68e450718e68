import type { LockCause } from '../../client/bucket-facts.ts'
import { whoDidIt } from '../../client/lock-story.ts'
import { formatAgo } from '../../format.ts'
import { useLoad } from '../../use-load.ts'

export interface WhoLockedProps {
  readonly rootKeyCrn: string | undefined
  readonly cause: LockCause
}

/** Who made the key unusable, when and why, in a sentence; nothing for who may not see the audit log. */
export function WhoLocked({ rootKeyCrn, cause }: WhoLockedProps) {
  const deed = useLoad((signal) => whoDidIt(rootKeyCrn, cause, signal), [rootKeyCrn, cause], { topics: ['keys'] }).value
  if (!deed) return null
  return (
    <>
      {' '}
      {deed.who} {cause === 'deleted' ? 'deleted' : 'disabled'} it {formatAgo(deed.at)}
      {deed.why === '' ? '.' : `: “${deed.why}”.`}
    </>
  )
}
