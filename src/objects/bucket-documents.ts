import { hasCode } from '../base/errors.ts'
import type { FollowRows } from '../storage/metadata/changed-row.ts'
import { type DamagedRow, rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore, MetadataStoreErrorCode, Write } from '../storage/metadata/metadata-store.ts'
import {
  type BucketDocuments,
  bucketOfDocumentRow,
  DOCUMENT,
  type DocumentKind,
  documentRemovals,
  documentsPrefix,
  documentWrites,
  type Json,
  kindOfDocumentRow,
  readDocument,
  unreadable,
} from './bucket-document.ts'
import type { Bucket, Buckets } from './buckets.ts'
import { ObjectsError } from './errors.ts'
import { rowsUnder, SPACE } from './keyspace.ts'

type Identified = Pick<Bucket, 'id'>

/**
 * The documents of the buckets (policies, ACLs, rules of all kinds), memory-resident: who may do what is asked for every
 * request, and the request after a change sees it.
 */
export interface Documents {
  /** Undefined when there is none. Throws MetadataCorrupt when what is stored of it cannot be read. */
  readonly get: (bucket: Identified, kind: DocumentKind) => Json | undefined
  /**
   * `next` gets what is there and may throw; undefined removes it. One change of a bucket at a time: the caller sees to
   * it. Throws BucketBusy when the bucket is being deleted, NoSuchBucket when it is gone.
   */
  readonly change: (
    bucket: Bucket,
    kind: DocumentKind,
    next: (now: Json | undefined) => Json | undefined,
  ) => Promise<Json | undefined>
  /** Belongs into the commit that creates the bucket; `created` follows it. */
  readonly firstWrites: (bucket: Identified, documents: BucketDocuments) => readonly Write[]
  readonly created: (bucket: Identified, documents: BucketDocuments) => void
  /** Belongs into the commit that removes the bucket; `forget` follows it. */
  readonly removals: (bucket: Identified) => readonly Write[]
  readonly forget: (bucket: Identified) => void
  readonly follow: FollowRows
}

interface Stored {
  /** An Error: what is stored cannot be read. */
  readonly value: Json | Error
  readonly pieces: number
}

const PAGE = 100
/** The bucket's row changes seldom, and each change means that something else went on. */
const MAX_ATTEMPTS = 20

export async function openDocuments(
  metadata: MetadataStore,
  buckets: Buckets,
  onDamage: (bucketId: string, kind: DocumentKind, cause: unknown) => void = () => {},
): Promise<Documents> {
  const byBucket = new Map<string, Map<DocumentKind, Stored>>()
  const file = (id: string, kind: DocumentKind, stored: Stored | undefined): void => {
    const documents = byBucket.get(id) ?? new Map<DocumentKind, Stored>()
    if (stored) byBucket.set(id, documents.set(kind, stored))
    else documents.delete(kind)
  }
  for await (const { id, kind, rows } of allDocuments(metadata)) {
    const stored = storedIn(rows)
    if (stored.value instanceof Error) onDamage(id, kind, stored.value)
    file(id, kind, stored)
  }

  const stored = ({ id }: Identified, kind: DocumentKind): Stored | undefined => byBucket.get(id)?.get(kind)
  const get = (bucket: Identified, kind: DocumentKind): Json | undefined => {
    const value = stored(bucket, kind)?.value
    if (value instanceof Error) throw value
    return value
  }
  const read = async ({ id }: Identified, kind: DocumentKind): Promise<Stored | undefined> => {
    const prefix = Buffer.concat([documentsPrefix(id), Buffer.from([DOCUMENT[kind]])])
    const rows = await rangeWithDamaged(metadata, SPACE.document, { ...rowsUnder(prefix), limit: PAGE })
    return rows.length > 0 ? storedIn(rows) : undefined
  }
  const refresh = async (bucket: Identified, kind: DocumentKind): Promise<void> =>
    file(bucket.id, kind, await read(bucket, kind))

  return {
    get,
    change: async (bucket, kind, next) => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const fenced = buckets.get(bucket.name)
        if (fenced.id !== bucket.id) throw new ObjectsError('NoSuchBucket', 'The specified bucket does not exist')
        if (fenced.deleting) break
        const before = stored(bucket, kind)?.pieces ?? 0
        const value = next(get(bucket, kind))
        const writes =
          value === undefined
            ? documentRemovals(bucket.id, kind, 0, before)
            : documentWrites(bucket.id, kind, value, before)
        if (writes.length === 0) return undefined
        try {
          if (await metadata.commit([buckets.fence(fenced), ...writes])) return value
        } finally {
          // What is in memory follows what is stored, also when nobody knows whether the commit took place.
          await refresh(bucket, kind)
        }
        await buckets.refresh(bucket.name)
      }
      throw new ObjectsError('BucketBusy', 'the bucket changed at the same time')
    },
    firstWrites: ({ id }, documents) =>
      entriesOf(documents).flatMap(([kind, document]) => documentWrites(id, kind, document, 0)),
    created: ({ id }, documents) => {
      for (const [kind, value] of entriesOf(documents)) {
        file(id, kind, { value, pieces: documentWrites(id, kind, value, 0).length })
      }
    },
    removals: ({ id }) =>
      [...(byBucket.get(id) ?? [])].flatMap(([kind, { pieces }]) => documentRemovals(id, kind, 0, pieces)),
    forget: ({ id }) => void byBucket.delete(id),
    follow: async (rows) => {
      const found = rows
        .filter(({ space }) => space === SPACE.document)
        .map(async ({ key }) => {
          const [id, kind] = [bucketOfDocumentRow(key), kindOfDocumentRow(key)]
          return kind && { id, kind, stored: await read({ id }, kind) }
        })
      const all = await Promise.all(found)
      return () => {
        for (const one of all) if (one) file(one.id, one.kind, one.stored)
      }
    },
  }
}

const entriesOf = (documents: BucketDocuments): [DocumentKind, Json][] =>
  Object.entries(documents) as [DocumentKind, Json][]

type Row = Entry | DamagedRow

/** Damage of one document is its own: what does not ask for it goes on. */
function storedIn(rows: readonly Row[]): Stored {
  const pieces = Math.max(...rows.map(({ key }) => (key.at(-1) ?? 0) + 1))
  try {
    return { pieces, value: readDocument(rows.map(intact)) }
  } catch (error) {
    if (!hasCode<MetadataStoreErrorCode>(error, 'MetadataCorrupt')) throw error
    return { pieces, value: error }
  }
}

const intact = (row: Row): Entry => {
  if ('damage' in row) throw unreadable(row.damage)
  return row
}

interface FoundDocument {
  readonly id: string
  readonly kind: DocumentKind
  readonly rows: Row[]
}

async function* allDocuments(metadata: MetadataStore): AsyncGenerator<FoundDocument> {
  const { lt } = rowsUnder(Buffer.from([0xff]))
  let gte = Buffer.alloc(0)
  let current: FoundDocument | undefined
  for (;;) {
    const rows: Row[] = await rangeWithDamaged(metadata, SPACE.document, { gte, lt, limit: PAGE })
    for (const row of rows) {
      const id = bucketOfDocumentRow(row.key)
      const kind = kindOfDocumentRow(row.key)
      // Of a later Coffer: what it means nobody here knows.
      if (!kind) continue
      if (current?.id === id && current.kind === kind) {
        current.rows.push(row)
        continue
      }
      if (current) yield current
      current = { id, kind, rows: [row] }
    }
    const last = rows.at(-1)
    if (rows.length < PAGE || !last) break
    gte = Buffer.concat([last.key, Buffer.from([0])])
  }
  if (current) yield current
}
