import type { Write } from '../../storage/metadata/metadata-store.ts'
import { MAX_RETRY_MS } from './due-list.ts'
import { MessageRefused } from './options.ts'
import type { Due, Queue } from './queue.ts'

/** A message that was on its way. */
export interface Landed {
  readonly value: Buffer
  readonly hold: Buffer
  /** Where it is held once it was not taken. */
  readonly holdAfter: Buffer
  /** Where it lies: that changes when something of the same object comes to wait for it. */
  row: Buffer
  /** Undefined: it is not held. */
  due: Due | undefined
}

interface SettlementOptions {
  /** Of the lane. */
  readonly name: string
  readonly queue: Pick<Queue<unknown>, 'held' | 'writeHeld' | 'writeDue' | 'remove'>
  readonly retryMs: number
  readonly now: () => number
}

/** What is written of messages that were taken (`refusal` is undefined), and of those that were not. */
export function settlementOf({ name, queue, retryMs, now }: SettlementOptions) {
  const rescheduled = (before: Due | undefined, after: Omit<Due, 'row'>): Write[] => {
    const put = queue.writeDue(name, after)
    return before && !before.row.equals(put.key) ? [queue.remove(before.row), put] : [put]
  }
  /** Of an object whose first held message has gone. */
  const afterFirst = async ({ hold, row }: Landed, due: Due): Promise<readonly Write[]> => {
    const rest = (await queue.held(name, hold, 2)).filter(({ key }) => !key.equals(row))
    if (rest.length === 0) return [queue.remove(due.row)]
    return rescheduled(due, { kind: 'due', hold, dueMs: now(), refusals: 0 })
  }
  const writesOfTaken = async (flight: Landed): Promise<readonly Write[]> => {
    const { due, row } = flight
    return [queue.remove(row), ...(due ? await afterFirst(flight, due) : [])]
  }
  const writesOfRefused = async (flight: Landed, refusal: unknown): Promise<readonly Write[]> => {
    const { due, row, hold, holdAfter, value } = flight
    const kind = refusal instanceof MessageRefused ? 'refused' : 'due'
    const refusals = (due?.refusals ?? 0) + 1
    const dueMs = now() + Math.min(retryMs * 2 ** (refusals - 1), MAX_RETRY_MS)
    const held = queue.writeHeld(name, holdAfter, { key: row, value })
    const stays = holdAfter.equals(hold)
    return [
      ...(held.key.equals(row) ? [] : [queue.remove(row), held]),
      ...(due && !stays ? await afterFirst(flight, due) : []),
      ...rescheduled(stays ? due : undefined, { kind, hold: holdAfter, dueMs, refusals }),
    ]
  }
  return (flight: Landed, refusal: unknown): Promise<readonly Write[]> =>
    refusal === undefined ? writesOfTaken(flight) : writesOfRefused(flight, refusal)
}
