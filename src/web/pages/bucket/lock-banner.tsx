import type { BucketFacts, BucketLock } from '../../client/bucket-facts.ts'
import { Note } from '../../parts/note.tsx'
import { WhoLocked } from './who-locked.tsx'

/** Over all tabs of a bucket whose contents are refused: what, and why. */
export const LockBanner = ({ facts, lock }: { readonly facts: BucketFacts; readonly lock: BucketLock }) => (
  <div class="banner">
    <Note
      tone={lock.cause === 'unreachable' ? 'warn' : 'bad'}
      icon={lock.cause === 'unreachable' ? 'alert' : 'lock'}
      isLive
    >
      {lock.cause === 'unreachable' ? (
        <>
          <b>The key service cannot be reached.</b> Cached reads go on for 2 seconds after its last answer; then
          everything is refused until it is back, and clients are told to try again (503).
        </>
      ) : (
        <>
          <b>Reads and writes are refused</b> {because(facts, lock)}
          <WhoLocked rootKeyCrn={facts.rootKeyCrn} cause={lock.cause} />
        </>
      )}
    </Note>
  </div>
)

function because({ rootKey }: BucketFacts, { cause, refusal }: BucketLock): string {
  const key = rootKey ? `this bucket’s root key ${rootKey.label}` : 'this bucket’s root key'
  switch (cause) {
    case 'disabled':
      return `because ${key} is disabled.`
    case 'expired':
      return `because ${key} has expired.`
    case 'deleted':
      return `because ${key} was deleted.`
    case 'unauthorized':
      return `because nothing authorizes the object storage to use ${key} any more.`
    case 'wrong-key':
      return `because ${key} answers with other key material than the bucket was made with.`
    default:
      return `because ${key} refuses${refusal === undefined ? '' : ` (${refusal})`}.`
  }
}
