import type { ReadConditions, WriteConditions } from '../../objects/conditions.ts'
import { S3Error } from './error-codes.ts'
import { httpDateMs } from './http-date.ts'
import type { S3Request } from './request.ts'
import { unquoted } from './target.ts'

/** The four conditional headers, plain or of a copy source. Dates that cannot be read are ignored, as RFC 9110 says. */
export function readConditions({ headers }: S3Request, prefix: '' | 'x-amz-copy-source-' = ''): ReadConditions {
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

/** Conditional writes: If-None-Match takes only `*`, If-Match only one ETag. */
export function writeConditions({ headers }: S3Request): WriteConditions {
  const ifMatch = headers.get('if-match')
  const ifNoneMatch = headers.get('if-none-match')
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new S3Error('NotImplemented', 'A header you provided implies functionality that is not implemented', {
      extra: {
        Header: 'If-None-Match',
        additionalMessage: 'We don’t accept the provided value of If-None-Match header for this API',
      },
    })
  }
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw new S3Error('InvalidRequest', 'If-Match and If-None-Match cannot be given together.')
  }
  return {
    ...(ifMatch === undefined ? {} : { ifMatch: unquoted(ifMatch) }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
  }
}
