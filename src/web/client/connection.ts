import { createStore } from './store.ts'

/** What every answer tells of the way to the server, and a missing one. */
export interface Connection {
  readonly isReachable: boolean
  /** How far this computer's clock is ahead of the server's; negative: behind. In whole seconds, 0 when it is near enough. */
  readonly skewSeconds: number
}

export const connection = createStore<Connection>({ isReachable: true, skewSeconds: 0 })

/** Signed requests begin to fail at 15 minutes; whoever is told earlier can mend it. */
const TOLD_FROM_SECONDS = 300

export function noteAnswer(response: Pick<Response, 'headers'>): void {
  const at = Date.parse(response.headers.get('date') ?? '')
  const skew = Number.isNaN(at) ? 0 : Math.round((Date.now() - at) / 1000)
  const skewSeconds = Math.abs(skew) < TOLD_FROM_SECONDS ? 0 : skew
  const { isReachable, skewSeconds: before } = connection.get()
  // A second more or less is no news.
  if (!isReachable || Math.abs(before - skewSeconds) > 30) connection.set({ isReachable: true, skewSeconds })
}

export function noteNoAnswer(): void {
  if (connection.get().isReachable) connection.set({ ...connection.get(), isReachable: false })
}
