import { z } from 'zod'
import type { DocumentKind, Json } from '../../objects/bucket-document.ts'
import type { Bucket } from '../../objects/buckets.ts'
import type { ObjectsService } from '../../objects/objects.ts'
import { S3Error } from './error-codes.ts'
import type { S3Request } from './request.ts'
import { storedDocument } from './stored-document.ts'
import { bucketTarget } from './target.ts'
import type { XmlElement } from './xml/decode.ts'
import type { XmlContent } from './xml/encode.ts'

const MAX_CONFIGURATIONS = 1000
const PAGE = 100
const ID = /^[A-Za-z0-9._-]{1,64}$/
/** A filter by ten tags, every character a reference. */
export const CONFIGURATION_BODY = { maxBytes: 64 * 1024 } as const

/** A configuration of which a bucket may have many, each with an id: `?metrics&id=…`. */
export interface NamedConfigurations<Named extends Identified> {
  /** In the order of their ids. */
  readonly all: (objects: Pick<ObjectsService, 'document'>, bucket: Pick<Bucket, 'id'>) => readonly Named[]
  /** Throws NoSuchConfiguration. */
  readonly get: (objects: Pick<ObjectsService, 'document'>, bucket: Pick<Bucket, 'id'>, id: string) => Named
  /** Throws TooManyConfigurations. */
  readonly put: (objects: Pick<ObjectsService, 'changeDocument'>, bucket: Bucket, named: Named) => Promise<void>
  /** Throws NoSuchConfiguration. */
  readonly remove: (objects: Pick<ObjectsService, 'changeDocument'>, bucket: Bucket, id: string) => Promise<void>
}

type Identified = { readonly id: string } & { readonly [member: string]: Json }

export function namedConfigurations<Named extends Identified>(
  kind: DocumentKind,
  schema: z.ZodType<Named>,
): NamedConfigurations<Named> {
  const stored = storedDocument(kind, z.array(schema))
  const without = (now: readonly Named[], id: string): Named[] => now.filter((one) => one.id !== id)
  return {
    all: (objects, bucket) => stored.of(objects, bucket) ?? [],
    get: (objects, bucket, id) => {
      const found = stored.of(objects, bucket)?.find((one) => one.id === id)
      if (!found) throw new S3Error('NoSuchConfiguration')
      return found
    },
    put: (objects, bucket, named) =>
      stored.change(objects, bucket, (now = []) => {
        const others = without(now, named.id)
        if (others.length >= MAX_CONFIGURATIONS) throw new S3Error('TooManyConfigurations')
        return [...others, named].sort((a, b) => (a.id < b.id ? -1 : 1))
      }),
    remove: (objects, bucket, id) =>
      stored.change(objects, bucket, (now = []) => {
        const others = without(now, id)
        if (others.length === now.length) throw new S3Error('NoSuchConfiguration')
        return others.length > 0 ? others : undefined
      }),
  }
}

export interface ConfigurationTarget {
  readonly bucket: string
  readonly id: string
}

/** The bucket and the id that the request names. Throws InvalidArgument. */
export function configurationTarget(request: S3Request): ConfigurationTarget {
  const id = request.query.get('id') ?? ''
  if (!ID.test(id)) {
    throw new S3Error('InvalidArgument', 'The configuration id is not valid.', {
      extra: { ArgumentName: 'id', ArgumentValue: id },
    })
  }
  return { bucket: bucketTarget(request), id }
}

/** A document must be of the id that the request names. */
export function checkId(document: XmlElement, id: string): void {
  const own = document.text('Id')
  if (own === undefined) throw new S3Error('MalformedXML')
  if (own !== id) {
    throw new S3Error('InvalidArgument', 'The id of the configuration is another one than the request names.', {
      extra: { ArgumentName: 'id', ArgumentValue: id },
    })
  }
}

export interface ListTarget {
  readonly bucket: string
  /** As the client gave it. */
  readonly token: string | undefined
  /** Ids after this one. */
  readonly after: string
}

export function listTarget(request: S3Request): ListTarget {
  const token = request.query.get('continuation-token') || undefined
  const after = token === undefined ? '' : Buffer.from(token, 'base64url').toString('latin1')
  if (token !== undefined && !ID.test(after)) {
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', {
      extra: { ArgumentName: 'continuation-token', ArgumentValue: token },
    })
  }
  return { bucket: bucketTarget(request), token, after }
}

/** A page of a list, in S3's words. */
export function listContent<Named extends Identified>(
  element: string,
  all: readonly Named[],
  { token, after }: ListTarget,
  content: (named: Named) => XmlContent,
): XmlContent {
  const rest = all.filter(({ id }) => id > after)
  const page = rest.slice(0, PAGE)
  const last = page.at(-1)
  const truncated = rest.length > page.length
  return {
    IsTruncated: truncated,
    ContinuationToken: token,
    NextContinuationToken: truncated && last ? Buffer.from(last.id, 'latin1').toString('base64url') : undefined,
    [element]: page.map(content),
  }
}
