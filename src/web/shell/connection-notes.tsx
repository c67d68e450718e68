import { useEffect } from 'preact/hooks'
import { announceChange } from '../client/changes.ts'
import { connection } from '../client/connection.ts'
import { reach } from '../client/http.ts'
import { useStore } from '../client/store.ts'
import { counted } from '../format.ts'
import { Note } from '../parts/note.tsx'

const AGAIN_MS = 2000

/** Over every page: that the server does not answer, and that the clocks differ. */
export function ConnectionNotes() {
  const { isReachable, skewSeconds } = useStore(connection)
  useEffect(() => {
    if (isReachable) return undefined
    const timer = setInterval(() => {
      // Whatever is shown is read anew once there are answers again.
      void reach().then((isBack) => {
        if (isBack) announceChange('buckets', 'objects', 'keys', 'access', 'jobs')
      })
    }, AGAIN_MS)
    return () => clearInterval(timer)
  }, [isReachable])
  return (
    <div class="connection-notes" aria-live="polite">
      {!isReachable && (
        <Note tone="warn" icon="alert">
          <b>The server does not answer.</b> What is shown is of before. It is asked again every few seconds.
        </Note>
      )}
      {skewSeconds !== 0 && (
        <Note tone="warn" icon="clock">
          <b>
            This computer’s clock is {counted(Math.round(Math.abs(skewSeconds) / 60), 'minute')}{' '}
            {skewSeconds > 0 ? 'ahead of' : 'behind'} the server’s.
          </b>{' '}
          From 15 minutes on, requests that clients sign here are refused: RequestTimeTooSkewed. Set the clock by the
          network.
        </Note>
      )}
    </div>
  )
}
