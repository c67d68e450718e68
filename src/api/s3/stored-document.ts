import type { z } from 'zod'
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
  const parse = (json: Json | undefined): Document | undefined => {
    if (json === undefined) return undefined
    const known = typeof json === 'object' && json !== null ? read.get(json) : undefined
    if (known !== undefined) return known
    const { success, data, error } = schema.safeParse(json)
    if (!success) throw unreadable(error)
    if (typeof json === 'object' && json !== null) read.set(json, data)
    return data
  }
  return {
    of: (objects, bucket) => parse(objects.document(bucket, kind)),
    change: async (objects, bucket, next) => {
      await objects.changeDocument(bucket, kind, (now) => (typeof next === 'function' ? next(parse(now)) : next))
    },
  }
}
