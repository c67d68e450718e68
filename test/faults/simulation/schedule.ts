import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Dice } from '../../support/content.ts'

/** One run of the engine's process. What a dead one waits for never happens. */
export interface Life {
  dead: boolean
}

/** Where a task stands when it waits for its turn; a seed may starve one kind, so that all the others overtake it. */
export type StepKind =
  | 'commit'
  | 'commit reply'
  | 'read'
  | 'read reply'
  | 'bytes'
  | 'bytes reply'
  | 'remove'
  | 'remove reply'
  | 'key'
  | 'client'

const KINDS: readonly StepKind[] = [
  'commit',
  'commit reply',
  'read',
  'read reply',
  'bytes',
  'bytes reply',
  'remove',
  'remove reply',
  'key',
  'client',
]

interface Waiting {
  readonly life: Life
  readonly kind: StepKind
  /** Number of the step before which it is not its turn, unless nobody else has one. */
  readonly notBefore: number
  readonly go: () => void
}

/** Runs one task at a time, up to its next step; the dice decide which. */
export interface Schedule {
  /** Waits for the task's turn. */
  readonly step: (life: Life, kind: StepKind) => Promise<void>
  /** Work that takes turns of the real event loop; nothing else goes on meanwhile. */
  readonly work: <T>(run: () => Promise<T>) => Promise<T>
  /** A time stamp of its own for every event. */
  readonly event: () => number
  /** Goes on until `done`. Throws when nobody can go on, or after too many steps. */
  readonly runUntil: (done: () => boolean, everyStep?: () => void) => Promise<void>
  /** No kind is starved any more. */
  readonly calm: () => void
}

export function schedule(dice: Dice): Schedule {
  const waiting: Waiting[] = []
  let starved: StepKind | undefined = dice.below(3) === 0 ? undefined : dice.pick(KINDS)
  let working = 0
  let events = 0
  let steps = 0
  /** One task in so many takes its time; 0 none. */
  let naps = dice.pick([0, 30, 10])

  const quiet = async (): Promise<void> => {
    do await nextTurn()
    while (working > 0)
  }
  const take = (): Waiting | undefined => {
    for (let at = waiting.length - 1; at >= 0; at--) if (waiting[at]?.life.dead) waiting.splice(at, 1)
    const ready = waiting.filter(
      ({ kind, notBefore }) => notBefore <= steps && (kind !== starved || dice.below(40) === 0),
    )
    const from = ready.length > 0 ? ready : waiting
    const task = from[dice.below(Math.max(from.length, 1))]
    if (task) waiting.splice(waiting.indexOf(task), 1)
    return task
  }

  return {
    step: (life, kind) =>
      new Promise((go) => {
        const nap = naps > 0 && dice.below(naps) === 0 ? dice.below(200) : 0
        if (!life.dead) waiting.push({ life, kind, notBefore: steps + nap, go })
      }),
    work: async (run) => {
      working++
      try {
        return await run()
      } finally {
        working--
      }
    },
    event: () => events++,
    runUntil: async (done, everyStep) => {
      for (; ; steps++) {
        await quiet()
        if (done()) return
        if (steps > 200_000) throw new Error('the history does not come to an end')
        everyStep?.()
        const task = take()
        if (!task) {
          // What was done in this step may have let somebody go on.
          await quiet()
          if (waiting.length === 0 && !done()) throw new Error('everybody waits for somebody')
          continue
        }
        task.go()
      }
    },
    calm: () => {
      starved = undefined
      naps = 0
    },
  }
}
