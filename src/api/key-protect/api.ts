import type { KmsService } from '../../kms/service.ts'
import { type Api, defineApi } from '../common/api.ts'
import { type ClientAddress, clientAddressBehind } from '../common/client-address.ts'
import { normaliseBody } from './bodies.ts'
import { callerOf, type VerifyToken } from './context.ts'
import { errorReply, renderError } from './errors.ts'
import { OPERATIONS } from './operations/index.ts'

export interface KeyProtectApiOptions {
  readonly kms: KmsService
  readonly verifyToken: VerifyToken
  /** Where the caller of a request is, for the instances' network policies. Default: where its connection comes from. */
  readonly clientAddress?: ClientAddress
}

const BODY_LIMIT_BYTES = 256 * 1024

/** Key Protect v2 under `/api/v2`. Authorisation is at the service's own door. */
export function keyProtectApi({
  kms,
  verifyToken,
  clientAddress = clientAddressBehind([]),
}: KeyProtectApiOptions): Api {
  return defineApi(
    {
      name: 'key-protect',
      prefixes: ['/api/v2'],
      bodyLimitBytes: BODY_LIMIT_BYTES,
      authenticate: async (request) => ({ kms, caller: await callerOf(request, verifyToken, clientAddress) }),
      normaliseBody,
      renderError,
      error: errorReply,
      replyHeaders: (request) => ({ 'Correlation-Id': request.correlationId }),
    },
    OPERATIONS,
  )
}
