import { useEffect, useState } from 'preact/hooks'
import { type ActivityEntry, type ActivityInput, listActivity } from '../../client/activity.ts'

/** The server waits that long for something to tell. */
const WAIT_SECONDS = 20
const PAUSE_MS = 3000
const MOST = 500

/** What came since, newest first, while somebody follows and looks. */
export function useNews(since: number, filter: ActivityInput, isLive: boolean): readonly ActivityEntry[] {
  const [news, setNews] = useState<readonly ActivityEntry[]>([])
  const [latest, setLatest] = useState(since)
  useEffect(() => {
    if (!isLive) return undefined
    const controller = new AbortController()
    const { signal } = controller
    const follow = async (from: number): Promise<void> => {
      let after = from
      while (!signal.aborted) {
        try {
          if (document.hidden) await pause(signal)
          else {
            const page = await listActivity({ ...filter, since: undefined, after, wait: WAIT_SECONDS }, signal)
            if (signal.aborted) return
            after = page.latest
            setLatest(after)
            if (page.entries.length > 0) setNews((before) => [...[...page.entries].reverse(), ...before].slice(0, MOST))
          }
        } catch {
          // Out of reach for a moment, or nobody is signed in: it goes on when it can.
          await pause(signal)
        }
      }
    }
    void follow(latest)
    return () => controller.abort()
  }, [isLive])
  return news
}

const pause = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, PAUSE_MS)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
