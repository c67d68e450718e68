import { type DamagedRow, rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore, Write } from '../../storage/metadata/metadata-store.ts'
import { rowsUnder } from '../keyspace.ts'
import { decode, encode, optional } from '../record-codec.ts'
import type { Message, OutboxOptions, Subject } from './options.ts'
import {
  type DueKind,
  dueRow,
  dueRows,
  heldPrefix,
  heldRow,
  type Kind,
  kindPrefix,
  laneOf,
  lanePrefix,
  oldRowsOf,
  prefixOf,
  readyRow,
  splitDueRow,
  stampOf,
  timeOf,
} from './rows.ts'

/** When what is held of an object is tried again. */
export interface Due {
  readonly row: Buffer
  readonly kind: DueKind
  readonly hold: Buffer
  readonly dueMs: number
  /** In a row. */
  readonly refusals: number
}

/** A message, and what it is about. */
export interface Waiting<Sent> extends Pick<Entry, 'key' | 'value'> {
  readonly message: Sent
  readonly subject: Subject
}

/** What is stored for one target. Messages that cannot be read are dropped, and told of. */
export interface Queue<Sent> {
  readonly lanesWith: (kind: 'ready' | DueKind) => AsyncGenerator<string>
  /** The oldest ones. */
  readonly ready: (lane: string, limit: number) => Promise<readonly Waiting<Sent>[]>
  readonly held: (lane: string, hold: Buffer, limit: number) => Promise<readonly Waiting<Sent>[]>
  /** The first ones that are due from `fromMs` on until before `beforeMs`. */
  readonly due: (
    lane: string,
    kind: DueKind,
    limit: number,
    fromMs: number,
    beforeMs?: number,
  ) => Promise<readonly Due[]>
  readonly writeHeld: (lane: string, hold: Buffer, message: Pick<Entry, 'key' | 'value'>) => Write & { type: 'put' }
  readonly writeDue: (lane: string, of: Omit<Due, 'row'>) => Write & { type: 'put' }
  /** Looks at so many rows at most. */
  readonly waiting: (limit: number) => Promise<WaitingMessages>
  readonly remove: (row: Buffer) => Write
  readonly commit: (writes: readonly Write[]) => Promise<void>
  /** Takes what earlier releases stored into order. */
  readonly adopt: () => Promise<void>
}

export interface WaitingMessages {
  /** Not tried yet. */
  readonly ready: number
  /** Not taken once, or behind one of the same object that was not. */
  readonly held: number
  /** Undefined: none waits. */
  readonly oldestMs: number | undefined
}

interface Unreadable {
  readonly key: Buffer
  readonly damage: unknown
}

const PAGE = 100
const DELIMITER = Buffer.from([0])

type QueueOptions<Sent extends Message> = Pick<
  OutboxOptions<Sent>,
  'metadata' | 'space' | 'subject' | 'words' | 'onError'
>

export function openQueue<Sent extends Message>(
  { metadata, space, subject, words, onError }: QueueOptions<Sent>,
  target: string,
): Queue<Sent> {
  const remove = (key: Buffer): Write => ({ type: 'delete', space, key })
  const commit = async (writes: readonly Write[]): Promise<void> => {
    if (writes.length > 0) await metadata.commit(writes)
  }
  const drop = async (rows: readonly Unreadable[]): Promise<void> => {
    await commit(rows.map(({ key }) => remove(key)))
    for (const { damage } of rows) {
      onError(new Error(`${words.message} for ${words.target} was dropped: it cannot be read`, { cause: damage }))
    }
  }
  const opened = (row: Entry | DamagedRow): Waiting<Sent> | Unreadable => {
    if ('damage' in row) return row
    try {
      // What was stored was encoded by the outbox.
      const message = decode(row.value).json as unknown as Sent
      return { key: row.key, value: row.value, message, subject: subject(message) }
    } catch (damage) {
      return { key: row.key, damage }
    }
  }
  const readable = async (range: Parameters<MetadataStore['range']>[1]): Promise<readonly Waiting<Sent>[]> => {
    for (;;) {
      const rows = (await rangeWithDamaged(metadata, space, range)).map(opened)
      const unreadable = rows.flatMap((row) => ('damage' in row ? [row] : []))
      if (unreadable.length === 0) return rows.flatMap((row) => ('damage' in row ? [] : [row]))
      await drop(unreadable)
    }
  }

  return {
    lanesWith: async function* (kind: Kind) {
      const prefix = kindPrefix(target, kind)
      const { gte, lt } = rowsUnder(prefix)
      for (let from = gte; ; ) {
        const groups = await metadata.groups(space, { prefix, from, lt, delimiter: DELIMITER, limit: PAGE })
        for (const group of groups) {
          if (!('prefix' in group)) continue
          yield group.prefix.toString('utf8', prefix.length, group.prefix.length - 1)
          from = rowsUnder(group.prefix).lt
        }
        if (groups.length < PAGE) return
      }
    },
    ready: (lane, limit) => readable({ ...rowsUnder(lanePrefix(target, 'ready', lane)), limit }),
    held: (lane, hold, limit) => readable({ ...rowsUnder(heldPrefix(target, lane, hold)), limit }),
    due: async (lane, kind, limit, fromMs, beforeMs) => {
      const range = dueRows(target, kind, lane, fromMs, beforeMs)
      const rows = await rangeWithDamaged(metadata, space, { ...range, limit })
      // Of one that is damaged, all that matters is its place.
      return rows.map((row) => {
        const refusals = 'damage' in row ? 1 : optional(decode(row.value).json, 'refusals')
        return { row: row.key, kind, ...splitDueRow(row.key), refusals }
      })
    },
    writeHeld: (lane, hold, { key, value }) => {
      return { type: 'put', space, key: heldRow(target, lane, hold, stampOf(key)), value }
    },
    writeDue: (lane, { kind, dueMs, hold, refusals }) => {
      return { type: 'put', space, key: dueRow(target, kind, lane, dueMs, hold), value: encode({ refusals }) }
    },
    waiting: async (limit) => {
      const rowsOf = (kind: 'ready' | 'held') =>
        rangeWithDamaged(metadata, space, { ...rowsUnder(kindPrefix(target, kind)), limit })
      const [ready, held] = [await rowsOf('ready'), await rowsOf('held')]
      const times = [...ready, ...held].flatMap(({ key }) => timeOf(key, prefixOf(target)) ?? [])
      return {
        ready: ready.length,
        held: held.length,
        oldestMs: times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b)),
      }
    },
    remove,
    commit,
    adopt: async () => {
      for (;;) {
        const rows = await readable({ ...oldRowsOf(target), limit: PAGE })
        if (rows.length === 0) return
        const moves = rows.flatMap(({ key, value, subject }): Write[] => {
          const ready = readyRow(target, laneOf(subject), stampOf(key))
          return [remove(key), { type: 'put', space, key: ready, value }]
        })
        await commit(moves)
      }
    },
  }
}
