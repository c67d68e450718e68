import type { SignedForm } from './operation.ts'
import type { S3Request } from './request.ts'

/** Fields that a form calls by another name than a header. */
const HEADER_OF: ReadonlyMap<string, string> = new Map([['acl', 'x-amz-acl']])

/** The request as if the form's fields were headers; of the real headers none counts. Values are UTF-8 in the form, Latin-1 in headers. */
export function withFields(request: S3Request, { fields, contentType }: SignedForm): S3Request {
  const headers = new Map<string, string>()
  for (const [name, value] of fields)
    headers.set(HEADER_OF.get(name) ?? name, Buffer.from(value, 'utf8').toString('latin1'))
  if (!headers.has('content-type') && contentType) headers.set('content-type', contentType)
  return { ...request, headers }
}
