import type { Message } from './options.ts'
import type { Due, Queue } from './queue.ts'
import type { DueKind } from './rows.ts'

/** Rows that are read at a time. */
const PAGE = 64
/** The longest wait for a repetition. */
export const MAX_RETRY_MS = 300_000

/** What of a lane is held and due, of one kind, in its order. Its functions run one at a time. */
export interface DueList {
  /** The next one whose time has come. Undefined: none. */
  readonly take: () => Promise<Due | undefined>
  /** When there is one, as far as is known; infinite: none is held, but what is on its way. */
  readonly nextMs: () => number
  /** Something was written. */
  readonly changed: () => void
  /** What was read may not be so any more. */
  readonly forget: () => void
}

/** `isFlying`: of what is held so. */
export function openDueList<Sent extends Message>(
  queue: Queue<Sent>,
  lane: string,
  kind: DueKind,
  now: () => number,
  isFlying: (hold: Buffer) => boolean,
): DueList {
  let list: Due[] = []
  let nextMs = 0
  let isMended = false

  /** A time that is further away than any was set for comes of a clock that was wrong, in an earlier run. */
  const mend = async (): Promise<void> => {
    for (;;) {
      const far = await queue.due(lane, kind, PAGE, now() + 2 * MAX_RETRY_MS)
      if (far.length === 0) return
      const dueMs = now()
      await queue.commit(far.flatMap((due) => [queue.remove(due.row), queue.writeDue(lane, { ...due, dueMs })]))
    }
  }
  const look = async (): Promise<void> => {
    if (!isMended) await mend()
    isMended = true
    const soonMs = Math.floor(now()) + 1
    list = (await queue.due(lane, kind, PAGE, 0, soonMs)).filter(({ hold }) => !isFlying(hold))
    if (list.length > 0) return
    const [next] = await queue.due(lane, kind, 1, soonMs)
    nextMs = next?.dueMs ?? Number.POSITIVE_INFINITY
  }

  return {
    take: async () => {
      if (list.length === 0 && nextMs <= now()) await look()
      return list.shift()
    },
    nextMs: () => (list.length > 0 ? 0 : nextMs),
    changed: () => {
      nextMs = 0
    },
    forget: () => {
      list = []
      nextMs = 0
    },
  }
}
