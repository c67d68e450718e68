import { type DamagedRow, rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore, Write } from '../../storage/metadata/metadata-store.ts'
import { rowsUnder } from '../keyspace.ts'
import { decode, encode, optional } from '../record-codec.ts'
import type { Message, OutboxOptions, Subject } from './options.ts'
import {
  dueRow,
  heldPrefix,
  heldRow,
  type Kind,
  kindPrefix,
  laneOf,
  lanePrefix,
  oldRowsOf,
  readyRow,
  splitDueRow,
  stampOf,
} from './rows.ts'

/** When what is held of an object is tried again. */
export interface Due {
  readonly row: Buffer
  readonly hold: Buffer
  readonly dueMs: number
  /** In a row. */
  readonly refusals: number
}

/** What is stored for one target. Messages that cannot be read are dropped, and told of. */
export interface Queue {
  readonly lanesWith: (kind: 'ready' | 'due') => AsyncGenerator<string>
  /** The oldest ones. */
  readonly ready: (lane: string, limit: number) => Promise<readonly Entry[]>
  readonly held: (lane: string, hold: Buffer, limit: number) => Promise<readonly Entry[]>
  /** The first ones. */
  readonly due: (lane: string, limit: number) => Promise<readonly Due[]>
  readonly writeHeld: (lane: string, hold: Buffer, message: Pick<Entry, 'key' | 'value'>) => Write & { type: 'put' }
  readonly writeDue: (lane: string, of: Omit<Due, 'row'>) => Write & { type: 'put' }
  readonly remove: (row: Buffer) => Write
  readonly commit: (writes: readonly Write[]) => Promise<void>
  /** Takes what earlier releases stored into order. */
  readonly adopt: (subject: (value: Buffer) => Subject) => Promise<void>
}

const PAGE = 100
const DELIMITER = Buffer.from([0])

export function openQueue<Sent extends Message>(
  { metadata, space, words, onError }: Pick<OutboxOptions<Sent>, 'metadata' | 'space' | 'words' | 'onError'>,
  target: string,
): Queue {
  const remove = (key: Buffer): Write => ({ type: 'delete', space, key })
  const commit = async (writes: readonly Write[]): Promise<void> => {
    if (writes.length > 0) await metadata.commit(writes)
  }
  const dropDamaged = async (rows: readonly DamagedRow[]): Promise<void> => {
    await commit(rows.map(({ key }) => remove(key)))
    for (const { damage } of rows) {
      onError(new Error(`${words.message} for ${words.target} was dropped: it cannot be read`, { cause: damage }))
    }
  }
  const readable = async (range: Parameters<MetadataStore['range']>[1]): Promise<readonly Entry[]> => {
    for (;;) {
      const rows = await rangeWithDamaged(metadata, space, range)
      const damaged = rows.flatMap((row) => ('damage' in row ? [row] : []))
      if (damaged.length === 0) return rows.flatMap((row) => ('damage' in row ? [] : [row]))
      await dropDamaged(damaged)
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
    due: async (lane, limit) => {
      const rows = await rangeWithDamaged(metadata, space, { ...rowsUnder(lanePrefix(target, 'due', lane)), limit })
      // Of one that is damaged, all that matters is its place.
      return rows.map((row) => {
        const refusals = 'damage' in row ? 1 : optional(decode(row.value).json, 'refusals')
        return { row: row.key, ...splitDueRow(row.key), refusals }
      })
    },
    writeHeld: (lane, hold, { key, value }) => {
      return { type: 'put', space, key: heldRow(target, lane, hold, stampOf(key)), value }
    },
    writeDue: (lane, { dueMs, hold, refusals }) => {
      return { type: 'put', space, key: dueRow(target, lane, dueMs, hold), value: encode({ refusals }) }
    },
    remove,
    commit,
    adopt: async (subject) => {
      for (;;) {
        const rows = await readable({ ...oldRowsOf(target), limit: PAGE })
        if (rows.length === 0) return
        const moves = rows.flatMap(({ key, value }): Write[] => {
          const ready = readyRow(target, laneOf(subject(value)), stampOf(key))
          return [remove(key), { type: 'put', space, key: ready, value }]
        })
        await commit(moves)
      }
    },
  }
}
