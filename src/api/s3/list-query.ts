import type { ListedObject } from '../../objects/listing.ts'
import { S3Error } from './error-codes.ts'
import type { S3Request } from './request.ts'
import { shownStorageClass } from './storage-class.ts'
import { integer, quoted } from './target.ts'
import { encodeComponent } from './uri.ts'
import type { XmlContent, XmlObject } from './xml/encode.ts'

export interface ListParameters {
  readonly prefix: string
  readonly delimiter: string
  /** S3 echoes it as it is here: a page holds at most 1,000, whatever was asked for. */
  readonly limit: number
  readonly encodingType: 'url' | undefined
}

const PAGE = 1000

export function listParameters({ query }: S3Request, limitName: 'max-keys' | 'max-uploads'): ListParameters {
  const asked = integer(limitName, query.get(limitName) || String(PAGE), 0, 2 ** 31 - 1)
  const encodingType = query.get('encoding-type')
  if (encodingType !== undefined && encodingType !== '' && encodingType !== 'url') {
    throw new S3Error('InvalidArgument', 'Invalid Encoding Method specified in Request', {
      extra: { ArgumentName: 'encoding-type', ArgumentValue: encodingType },
    })
  }
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    limit: Math.min(asked, PAGE),
    encodingType: encodingType === 'url' ? 'url' : undefined,
  }
}

/** S3: with encoding-type=url keys, prefixes, delimiters and markers are percent-encoded; `/` stays. */
export function nameEncoder({ encodingType }: ListParameters): (name: string) => string {
  if (encodingType === undefined) return (name) => name
  return (name) => encodeComponent(name, true)
}

/** What a listing says of the content. Of a locked bucket only what needs no key. */
export function listedContent(item: Pick<ListedObject, 'summary' | 'sizeBytes' | 'storageClass'>): XmlObject {
  const { summary, sizeBytes } = item
  const checksum = summary?.checksum
  return {
    ...(summary ? { ETag: quoted(summary.etag) } : {}),
    ...(checksum ? { ChecksumAlgorithm: checksum.algorithm.toUpperCase(), ChecksumType: checksum.type } : {}),
    Size: sizeBytes,
    StorageClass: shownStorageClass(item),
  }
}

/** An entry of a listing. */
export function listedEntry(item: ListedObject, encode: (name: string) => string, owner?: XmlContent): XmlContent {
  return {
    Key: encode(item.key),
    LastModified: new Date(item.modifiedAtMs).toISOString(),
    ...listedContent(item),
    ...(owner === undefined ? {} : { Owner: owner }),
  }
}
