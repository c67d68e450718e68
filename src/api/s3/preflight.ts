import { CORS_METHODS } from './cors.ts'
import { S3Error } from './error-codes.ts'
import type { S3Reply } from './operation.ts'
import type { S3Request } from './request.ts'

/**
 * A browser's CORS preflight, which is never signed. `headers`: what CORS says of the request (`corsHeaders`), which goes
 * with every answer. Whether a bucket is there is not told.
 */
export function preflight(request: S3Request, headers: Readonly<Record<string, string>>): S3Reply {
  if (!request.headers.has('origin')) {
    throw new S3Error('BadRequest', 'Insufficient information. Origin request header needed.')
  }
  const method = request.headers.get('access-control-request-method')
  if (!CORS_METHODS.some((known) => known === method)) {
    throw new S3Error('BadRequest', `Invalid Access-Control-Request-Method: ${method || 'null'}`)
  }
  if (headers['access-control-allow-origin'] !== undefined) return { status: 200, headers: { 'content-length': 0 } }
  const message =
    headers['vary'] === undefined
      ? 'CORSResponse: CORS is not enabled for this bucket.'
      : "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
  throw new S3Error('AccessForbidden', message, {
    extra: { Method: method ?? '', ResourceType: request.key === undefined ? 'BUCKET' : 'OBJECT' },
  })
}
