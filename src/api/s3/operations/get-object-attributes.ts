import type { Manifest } from '../../../objects/content.ts'
import { S3Error } from '../error-codes.ts'
import { parseRead } from '../open-reply.ts'
import { defineOperation } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { integer, located } from '../target.ts'
import { versionHeader } from '../version-headers.ts'
import type { XmlContent } from '../xml/encode.ts'
import { xmlReply } from '../xml-reply.ts'

const HEADER = 'x-amz-object-attributes'
const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const
type Attribute = (typeof ATTRIBUTES)[number]
const PAGE = 1000

/** What HEAD tells, without the bytes of the headers, and the parts one by one. */
export const getObjectAttributes = defineOperation({
  name: 'GetObjectAttributes',
  method: 'GET',
  on: 'object',
  query: { attributes: true },
  takes: ['versionId'],
  action: 's3:GetObject',
  versionAction: 's3:GetObjectVersion',
  alsoNeeds: ({ query }) => [query.has('versionId') ? 's3:GetObjectVersionAttributes' : 's3:GetObjectAttributes'],
  parse: (request) => ({ ...parseRead(request), wanted: wantedAttributes(request), page: partsPage(request) }),
  run: async ({ target, customerKey, wanted, page }, context) => {
    const place = located(target, context)
    using object = await context.objects.open({ ...place, customerKey: customerKey?.key })
    const { manifest, modifiedAtMs, properties } = object
    const { checksum } = manifest
    const all: Readonly<Record<Attribute, XmlContent>> = {
      ETag: manifest.etag,
      Checksum: checksum && { [elementOf(checksum.algorithm)]: checksum.value, ChecksumType: checksum.type },
      ObjectParts: objectParts(manifest, page),
      StorageClass: properties.storageClass ?? 'STANDARD',
      ObjectSize: manifest.sizeBytes,
    }
    return xmlReply(
      'GetObjectAttributesResponse',
      Object.fromEntries(ATTRIBUTES.filter((name) => wanted.has(name)).map((name) => [name, all[name]])),
      { 'last-modified': new Date(modifiedAtMs).toUTCString(), ...versionHeader(place.bucket, object.versionId) },
    )
  },
})

const elementOf = (algorithm: string): string => `Checksum${algorithm.toUpperCase()}`

function wantedAttributes({ headers }: S3Request): ReadonlySet<string> {
  const names = (headers.get(HEADER) ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.length === 0) {
    throw new S3Error(
      'InvalidRequest',
      `The ${HEADER} header specifying the attributes to be retrieved is either missing or empty`,
    )
  }
  const unknown = names.find((name) => !ATTRIBUTES.some((attribute) => attribute === name))
  if (unknown === undefined) return new Set(names)
  throw new S3Error('InvalidArgument', 'Invalid attribute name specified.', {
    extra: { ArgumentName: HEADER, ArgumentValue: unknown },
  })
}

interface Page {
  /** Parts after this one. */
  readonly marker: number
  readonly limit: number
}

function partsPage({ headers }: S3Request): Page {
  const number = (name: string, fallback: number): number => {
    const text = headers.get(name)
    return text === undefined ? fallback : integer(name, text, 0, 2 ** 31 - 1)
  }
  return { marker: number('x-amz-part-number-marker', 0), limit: Math.min(number('x-amz-max-parts', PAGE), PAGE) }
}

/** Only of what was uploaded in parts; numbered as `partNumber` of a GET counts them. */
function objectParts({ parts, checksum }: Manifest, { marker, limit }: Page): XmlContent {
  if (parts.length === 1 && parts[0]?.number === 0) return undefined
  const shown = parts.slice(marker, marker + limit)
  return {
    PartsCount: parts.length,
    PartNumberMarker: marker,
    NextPartNumberMarker: Math.min(marker + shown.length, parts.length),
    MaxParts: limit,
    IsTruncated: marker + shown.length < parts.length,
    Part: shown.map((part, index) => ({
      PartNumber: marker + index + 1,
      Size: part.sizeBytes,
      ...(checksum && part.checksum ? { [elementOf(checksum.algorithm)]: part.checksum } : {}),
    })),
  }
}
