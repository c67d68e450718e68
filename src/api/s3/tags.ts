import type { Tag } from '../../objects/object-properties.ts'
import { S3Error, type S3ErrorCode } from './error-codes.ts'
import type { S3Request } from './request.ts'
import { decodeOnce } from './uri.ts'
import { parseXml } from './xml/decode.ts'
import type { XmlContent } from './xml/encode.ts'

const HEADER = 'x-amz-tagging'
const MAX_OBJECT_TAGS = 10
const MAX_BUCKET_TAGS = 50
const MAX_KEY_CHARACTERS = 128
const MAX_VALUE_CHARACTERS = 256
/** 50 tags as long as they may be, every character a reference. */
const MAX_BODY_BYTES = 256 * 1024
/** S3: letters, digits and spaces of any script, and these. */
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

/** Of `x-amz-tagging`: the query of a URL. */
export function headerTags({ headers }: S3Request): readonly Tag[] {
  const text = headers.get(HEADER)
  if (text === undefined || text === '') return []
  const tags = text.split('&').map(queryTag)
  if (new Set(tags.map(({ key }) => key)).size < tags.length) throw badHeader(text)
  return checked(tags, MAX_OBJECT_TAGS, 'BadRequest')
}

function queryTag(pair: string): Tag {
  const at = pair.indexOf('=')
  const key = decodeForm(at < 0 ? pair : pair.slice(0, at))
  const value = at < 0 ? '' : decodeForm(pair.slice(at + 1))
  if (key === undefined || key === '' || value === undefined) throw badHeader(pair)
  return { key, value }
}

/** `application/x-www-form-urlencoded`. */
const decodeForm = (text: string): string | undefined => decodeOnce(text.replaceAll('+', '%20'))

const badHeader = (value: string): S3Error =>
  new S3Error(
    'InvalidArgument',
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    { extra: { ArgumentName: HEADER, ArgumentValue: value } },
  )

/** Of a `Tagging` document, in the order of their keys. AWS has BadRequest for too many; the public suite wants InvalidTag. */
export const objectTags = (document: Buffer | string): readonly Tag[] =>
  checked(documentTags(document), MAX_OBJECT_TAGS, 'InvalidTag')

/** In the order in which they were given. */
export function bucketTags(document: Buffer): readonly Tag[] {
  const tags = documentTags(document)
  checked(tags, MAX_BUCKET_TAGS, 'BadRequest')
  return tags
}

/** `<Tagging><TagSet><Tag><Key/><Value/></Tag>…</TagSet></Tagging>` */
function documentTags(document: Buffer | string): readonly Tag[] {
  const root = parseXml(document, 'Tagging', MAX_BODY_BYTES)
  root.allow('TagSet')
  const set = root.child('TagSet')
  if (!set) throw new S3Error('MalformedXML')
  set.allow('Tag')
  return set.children('Tag').map((tag) => {
    tag.allow('Key', 'Value')
    const [key, value] = [tag.text('Key'), tag.text('Value')]
    if (key === undefined || value === undefined) throw new S3Error('MalformedXML')
    return { key, value }
  })
}

function checked(tags: readonly Tag[], max: number, tooMany: S3ErrorCode): readonly Tag[] {
  if (tags.length > max) {
    const what = max === MAX_OBJECT_TAGS ? 'Object tags' : 'Bucket tag count'
    throw new S3Error(tooMany, `${what} cannot be greater than ${max}`)
  }
  const seen = new Set<string>()
  for (const tag of tags) {
    checkTag(tag)
    if (seen.has(tag.key)) throw invalid('Cannot provide multiple Tags with the same key', { TagKey: tag.key })
    seen.add(tag.key)
  }
  return tags.toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

/** Lengths are of UTF-16, as in S3. */
export function checkTag({ key, value }: Tag): void {
  if (key === '' || key.length > MAX_KEY_CHARACTERS || !ALLOWED.test(key)) {
    throw invalid('The TagKey you have provided is invalid', { TagKey: key })
  }
  if (/^aws:/i.test(key)) throw invalid('System tags cannot be added/updated by requester', { TagKey: key })
  if (value.length > MAX_VALUE_CHARACTERS || !ALLOWED.test(value)) {
    throw invalid('The TagValue you have provided is invalid', { TagKey: key, TagValue: value })
  }
}

const invalid = (message: string, extra: Readonly<Record<string, string>>): S3Error =>
  new S3Error('InvalidTag', message, { extra })

export const tagSet = (tags: readonly Tag[]): XmlContent => ({
  TagSet: { Tag: tags.map(({ key, value }) => ({ Key: key, Value: value })) },
})

export const TAGGING_BODY = { maxBytes: MAX_BODY_BYTES } as const
