import { CodedError } from '../base/errors.ts'
import type { MetadataStore, Space, Write } from '../storage/metadata/metadata-store.ts'
import type { IamErrorCode } from './errors.ts'

/** A write that is not yet done, and what it does to memory once it is durable. */
export interface Change {
  readonly write: Extract<Write, { type: 'put' | 'delete' }>
  readonly apply: () => void
}

/** All records of one space, in memory. Ids may be any text, so they are Map keys and nothing else. */
export interface Table<Row> {
  readonly get: (id: string) => Row | undefined
  readonly values: () => Iterable<Row>
  readonly size: () => number
  readonly put: (id: string, row: Row) => Change
  readonly remove: (id: string) => Change
}

/** How a row is written down. `decode` throws on anything it would not have written. */
export interface RowCodec<Row> {
  readonly encode: (row: Row) => unknown
  readonly decode: (stored: unknown) => Row
}

const PAGE = 500
const VERSION = 1

export async function openTable<Row>(
  store: MetadataStore,
  space: Space,
  codec: RowCodec<Row>,
  changed: (after: Row | undefined, before: Row | undefined) => void = () => {},
): Promise<Table<Row>> {
  const rows = new Map<string, Row>()
  for await (const { key, value } of entries(store, space)) {
    rows.set(key.toString('utf8'), decodeRow(codec, value, space))
  }
  return {
    get: (id) => rows.get(id),
    values: () => rows.values(),
    size: () => rows.size,
    put: (id, row) => ({
      write: { type: 'put', space, key: Buffer.from(id, 'utf8'), value: encodeRow(codec, row) },
      apply: () => {
        const before = rows.get(id)
        rows.set(id, row)
        changed(row, before)
      },
    }),
    remove: (id) => ({
      write: { type: 'delete', space, key: Buffer.from(id, 'utf8') },
      apply: () => {
        const before = rows.get(id)
        rows.delete(id)
        changed(undefined, before)
      },
    }),
  }
}

async function* entries(store: MetadataStore, space: Space) {
  let gte: Buffer = Buffer.alloc(0)
  const lt = Buffer.alloc(2048, 0xff)
  for (;;) {
    const page = await store.range(space, { gte, lt, limit: PAGE })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    gte = Buffer.concat([last.key, Buffer.of(0)])
  }
}

const encodeRow = <Row>(codec: RowCodec<Row>, row: Row): Buffer =>
  Buffer.from(JSON.stringify({ version: VERSION, row: codec.encode(row) }), 'utf8')

function decodeRow<Row>(codec: RowCodec<Row>, value: Buffer, space: Space): Row {
  try {
    const stored: unknown = JSON.parse(value.toString('utf8'))
    if (
      typeof stored === 'object' &&
      stored !== null &&
      'version' in stored &&
      stored.version === VERSION &&
      'row' in stored
    ) {
      return codec.decode(stored.row)
    }
  } catch (cause) {
    throw damaged(space, cause)
  }
  throw damaged(space)
}

function damaged(space: Space, cause?: unknown): CodedError<IamErrorCode> {
  return new CodedError(
    'IamStateDamaged',
    'a stored identity does not decode, or its secret does not open with this instance key',
    {
      details: { space },
      ...(cause === undefined ? {} : { cause }),
    },
  )
}
