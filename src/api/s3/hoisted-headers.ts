import type { S3Request } from './request.ts'

/**
 * S3: a presigned URL may carry `x-amz-*` headers in its signed query, and signers put them there: they count as the
 * headers they are. A checksum doesn't, because signers hoist the one of the empty body they signed with. Only for
 * reading what is asked; the signature is verified on the request as received.
 */
export function withHoistedHeaders(request: S3Request): S3Request {
  if (!request.query.has('X-Amz-Signature')) return request
  const headers = new Map(request.headers)
  for (const [name, value] of request.query) {
    const header = name.toLowerCase()
    if (header.startsWith('x-amz-') && !NOT_HEADERS.test(header) && !headers.has(header)) headers.set(header, value)
  }
  return { ...request, headers }
}

const NOT_HEADERS =
  /^x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256|checksum-.*|sdk-checksum-algorithm|trailer|decoded-content-length)$/
