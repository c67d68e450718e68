import type { z } from 'zod'
import { memoised } from '../../base/memo.ts'
import { type DocumentKind, type Json, unreadable } from '../../objects/bucket-document.ts'
import type { Bucket } from '../../objects/buckets.ts'
import type { ObjectsService } from '../../objects/objects.ts'

/** A document of buckets, with the shape in which it is stored. */
export interface StoredDocument<Document extends Json> {
  /** Undefined when the bucket has none. Throws MetadataCorrupt when it is not of this shape. */
  readonly of: (objects: Pick<ObjectsService, 'document'>, bucket: Pick<Bucket, 'id'>) => Document | undefined
  readonly change: (
    objects: Pick<ObjectsService, 'changeDocument'>,
    bucket: Bucket,
    next: Document | undefined | ((now: Document | undefined) => Document | undefined),
  ) => Promise<void>
}

export function storedDocument<Document extends Json>(
  kind: DocumentKind,
  schema: z.ZodType<Document>,
): StoredDocument<Document> {
  // A document is replaced as a whole, and some are asked for with every request.
  const read = new WeakMap<object, Document>()
  const checked = (json: Json): Document => {
    const { success, data, error } = schema.safeParse(json)
    if (!success) throw unreadable(error)
    return data
  }
  const readWord = memoised((word) => checked(word), 16)
  const parse = (json: Json | undefined): Document | undefined => {
    if (json === undefined) return undefined
    if (typeof json === 'string') return readWord(json)
    if (typeof json !== 'object' || json === null) return checked(json)
    const known = read.get(json)
    if (known !== undefined) return known
    const document = checked(json)
    read.set(json, document)
    return document
  }
  return {
    of: (objects, bucket) => parse(objects.document(bucket, kind)),
    change: async (objects, bucket, next) => {
      await objects.changeDocument(bucket, kind, (now) => (typeof next === 'function' ? next(parse(now)) : next))
    },
  }
}
