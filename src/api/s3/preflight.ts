import { S3Error } from './error-codes.ts'
import type { S3Reply } from './operation.ts'
import type { S3Request } from './request.ts'

/** A browser's CORS preflight, which is never signed. No bucket has a CORS configuration yet, so none is allowed. */
export function preflight(request: S3Request): S3Reply {
  if (!request.headers.has('origin')) {
    throw new S3Error('BadRequest', 'Insufficient information. Origin request header needed.')
  }
  const method = request.headers.get('access-control-request-method')
  if (!method || !/^(GET|HEAD|PUT|POST|DELETE)$/.test(method)) {
    throw new S3Error('BadRequest', `Invalid Access-Control-Request-Method: ${method ?? 'null'}`)
  }
  throw new S3Error('AccessForbidden', 'CORSResponse: CORS is not enabled for this bucket.', {
    extra: { Method: method, ResourceType: request.key === undefined ? 'BUCKET' : 'OBJECT' },
  })
}
