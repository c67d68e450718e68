import type { ReadConditions, WriteConditions } from '../../objects/conditions.ts'
import { S3Error } from './error-codes.ts'
import { httpDateMs } from './http-date.ts'
import type { S3Action } from './operation.ts'
import type { S3Request } from './request.ts'
import { unquoted } from './target.ts'

/** The four conditional headers, plain or of a copy source. Dates that cannot be read are ignored, as RFC 9110 says. */
export function readConditions(
  { headers }: S3Request,
  prefix: '' | 'x-amz-copy-source-' | 'x-amz-rename-source-' = '',
): ReadConditions {
  const tags = (name: string): readonly string[] | undefined =>
    headers.get(`${prefix}${name}`)?.split(',').map(entityTag)
  const date = (name: string): number | undefined => {
    const text = headers.get(`${prefix}${name}`)
    return text === undefined ? undefined : httpDateMs(text)
  }
  const ifMatch = tags('if-match')
  const ifNoneMatch = tags('if-none-match')
  const ifModifiedSinceMs = date('if-modified-since')
  const ifUnmodifiedSinceMs = date('if-unmodified-since')
  return {
    ...(ifMatch ? { ifMatch } : {}),
    ...(ifNoneMatch ? { ifNoneMatch } : {}),
    ...(ifModifiedSinceMs === undefined ? {} : { ifModifiedSinceMs }),
    ...(ifUnmodifiedSinceMs === undefined ? {} : { ifUnmodifiedSinceMs }),
  }
}

/** GET compares weakly: `W/` says nothing about the bytes of an object that never changes under its ETag. */
const entityTag = (text: string): string => unquoted(text.trim().replace(/^W\//, ''))

/** Conditional writes: one ETag, or `*`. AWS takes `*` only in If-None-Match; here an ETag means what RFC 9110 says. */
export function writeConditions({ headers }: S3Request): WriteConditions {
  const ifMatch = headers.get('if-match')
  const ifNoneMatch = headers.get('if-none-match')
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw new S3Error('InvalidRequest', 'If-Match and If-None-Match cannot be given together.')
  }
  return {
    ...(ifMatch === undefined ? {} : { ifMatch: unquoted(ifMatch) }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch: unquoted(ifNoneMatch) }),
  }
}

/** Whoever learns whether an object has this ETag, size or date must be allowed to read it; not so for whether there is one. */
export const tellsOfObject = ({ ifMatch, ifNoneMatch, ...rest }: WriteConditions): boolean =>
  [ifMatch, ifNoneMatch].some((tag) => tag !== undefined && tag !== '*') || Object.keys(rest).length > 0

/** The right that conditional headers of a write or a deletion take beside the right to do it. */
export function conditionNeeds({ headers }: Pick<S3Request, 'headers'>): readonly S3Action[] {
  const tags = ['if-match', 'if-none-match'].some((name) => !['*', undefined].includes(tagOf(headers.get(name))))
  const others = ['x-amz-if-match-size', 'x-amz-if-match-last-modified-time'].some((name) => headers.has(name))
  return tags || others ? ['s3:GetObject'] : []
}

const tagOf = (value: string | undefined): string | undefined => (value === undefined ? undefined : unquoted(value))

/** Of a deletion. AWS has the size and the date for directory buckets only. */
export function deleteConditions(of: {
  readonly etag: string | undefined
  readonly size: string | undefined
  readonly lastModified: string | undefined
}): WriteConditions {
  const { etag, size, lastModified } = of
  if (size !== undefined && !/^\d{1,15}$/.test(size)) throw invalid('IfMatchSize', size)
  const modifiedAtMs = lastModified === undefined ? undefined : timeMs(lastModified)
  if (Number.isNaN(modifiedAtMs)) throw invalid('IfMatchLastModifiedTime', lastModified ?? '')
  return {
    ...(etag === undefined ? {} : { ifMatch: unquoted(etag) }),
    ...(size === undefined ? {} : { ifMatchSizeBytes: Number(size) }),
    ...(modifiedAtMs === undefined ? {} : { ifMatchModifiedAtMs: modifiedAtMs }),
  }
}

const timeMs = (text: string): number =>
  httpDateMs(text) ?? (/^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN)

const invalid = (ArgumentName: string, ArgumentValue: string): S3Error =>
  new S3Error('InvalidArgument', 'The value of a condition cannot be read.', { extra: { ArgumentName, ArgumentValue } })
