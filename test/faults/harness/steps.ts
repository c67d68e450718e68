import type { Dice } from '../../support/content.ts'
import { readJournal } from './journal.ts'
import type { Op } from './shim.ts'

/** Calls of one kind at files of one kind. */
export interface Step {
  readonly op: Op
  readonly place: string
  /** When it was met: while the server started, or under load. */
  readonly during: 'start' | 'load'
  /** Per time that the journal was looked at. */
  count: number
}

/** What changes files or names, or makes changes durable. */
export const CHANGES: readonly Op[] = [
  ...(['open', 'write', 'fdatasync', 'fsync', 'rename', 'unlink', 'mkdir', 'rmdir', 'truncate', 'link'] as const),
]

/** Calls of a step in a start, or under the load of a round, of which one is sure to come. */
const COMMON = { start: 1, load: 4 } as const

/** The steps that a server was seen to take. */
export interface StepBook {
  /** Takes what the journal has more than at the last time. */
  readonly learn: (during: Step['during']) => Promise<void>
  /** Leaves out what the journal has more: the first start makes what no other does. */
  readonly pass: () => Promise<void>
  /** One that was not tried yet, as long as there is one. */
  readonly pick: (dice: Dice) => Step
  /** One that is met whenever there is such a time: for a round that did not meet the one it had picked. */
  readonly pickCommon: (dice: Dice, during: Step['during']) => Step
}

export function stepBook(journal: string, ops: readonly Op[]): StepBook {
  const known = new Map<string, Step>()
  const tried = new Set<string>()
  const looks = { start: 0, load: 0 }
  let read = 0
  const nameOf = ({ op, place, during }: Omit<Step, 'count'>): string => `${during} ${op} ${place}`
  const inOrder = (wanted: (name: string, step: Step) => boolean) =>
    [...known].filter(([name, step]) => wanted(name, step)).sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    learn: async (during) => {
      const entries = await readJournal(journal)
      looks[during]++
      for (const { op, place } of entries.slice(read)) {
        if (!ops.includes(op)) continue
        const step = known.get(nameOf({ op, place, during })) ?? { op, place, during, count: 0 }
        known.set(nameOf(step), step)
        step.count++
      }
      read = entries.length
    },
    pass: async () => {
      read = (await readJournal(journal)).length
    },
    pick: (dice) => {
      const left = inOrder((name) => !tried.has(name))
      if (left.length === 0) tried.clear()
      const [name, step] = dice.pick(left.length > 0 ? left : inOrder(() => true))
      tried.add(name)
      return step
    },
    pickCommon: (dice, during) => {
      const then = inOrder((_, step) => step.during === during)
      const often = then.filter(([, { count }]) => count >= COMMON[during] * looks[during])
      // On a machine that others load, a look may see next to nothing.
      const most = Math.max(...then.map(([, { count }]) => count))
      const [, step] = dice.pick(often.length > 0 ? often : then.filter(([, { count }]) => count === most))
      return step
    },
  }
}
