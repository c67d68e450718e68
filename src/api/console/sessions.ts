import type { Clock } from '../../base/clock.ts'
import { newSecret } from '../../base/secrets.ts'
import type { HeldCredentials } from './credentials.ts'

export interface Session {
  /** What the cookie holds: whoever has it is believed to be the one who signed in. */
  readonly id: string
  /** What each request that changes something must show, too. */
  readonly csrfToken: string
  readonly credentials: HeldCredentials
  readonly expiresAtMs: number
}

/** Who is signed in at the console, in memory: a restart ends them all. */
export interface Sessions {
  /** `whose`: of one identity only so many go on, the latest used. */
  readonly open: (credentials: HeldCredentials, whose?: string) => Session
  /** Of a cookie, used now; undefined: there is none such, or it has ended. */
  readonly use: (id: string | undefined) => Session | undefined
  readonly end: (id: string) => void
}

/** Nobody used it this long, and it ends. */
export const IDLE_MS = 3_600_000
/** It ends, however much it is used. */
const LONGEST_MS = 12 * 3_600_000
const MOST = 10_000
/** Whoever signs in again and again ends their own sessions, and nobody else's. */
const MOST_OF_ONE = 100

export function createSessions(clock: Clock): Sessions {
  /** In the order in which they were last used. */
  const sessions = new Map<
    string,
    { readonly session: Session; readonly whose: string | undefined; usedAtMs: number }
  >()

  const endIdle = (): void => {
    for (const [id, { session, usedAtMs }] of sessions) {
      const isOver = usedAtMs + IDLE_MS <= clock.now() || session.expiresAtMs <= clock.now()
      // The rest was used later.
      if (!isOver && sessions.size <= MOST) break
      sessions.delete(id)
    }
  }
  const endOldest = (whose: string): void => {
    const own = [...sessions].filter(([, one]) => one.whose === whose)
    for (const [id] of own.slice(0, Math.max(0, own.length - MOST_OF_ONE))) sessions.delete(id)
  }
  return {
    open: (credentials, whose) => {
      const ids = { id: newSecret(), csrfToken: newSecret() }
      const session = { ...ids, credentials, expiresAtMs: clock.now() + LONGEST_MS }
      sessions.set(session.id, { session, whose, usedAtMs: clock.now() })
      if (whose !== undefined) endOldest(whose)
      endIdle()
      return session
    },
    use: (id) => {
      const found = id === undefined ? undefined : sessions.get(id)
      if (!found || id === undefined) return undefined
      sessions.delete(id)
      if (found.usedAtMs + IDLE_MS <= clock.now() || found.session.expiresAtMs <= clock.now()) return undefined
      found.usedAtMs = clock.now()
      sessions.set(id, found)
      return found.session
    },
    end: (id) => void sessions.delete(id),
  }
}
