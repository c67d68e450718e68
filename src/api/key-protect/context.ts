import { hasCode } from '../../base/errors.ts'
import { isUuid } from '../../base/ids.ts'
import type { Principal } from '../../iam/principal.ts'
import type { KmsCaller } from '../../kms/door.ts'
import type { KmsService } from '../../kms/service.ts'
import { bearerToken } from '../common/bearer-token.ts'
import type { ClientAddress } from '../common/client-address.ts'
import { jsonOperations } from '../common/json-operation.ts'
import type { ApiRequest } from '../common/request.ts'
import { protocolError } from './errors.ts'

/** What an operation may touch: the door of the key management service, and who is at it. */
export interface KeyProtectContext {
  readonly kms: KmsService
  readonly caller: KmsCaller
}

export const defineOperation = jsonOperations<KeyProtectContext>()

/** Throws InvalidToken or ExpiredToken. */
export type VerifyToken = (token: string) => Promise<Principal>

/** Who asks, in which instance. Throws Unauthenticated, InstanceHeaderInvalid. */
export async function callerOf(
  request: ApiRequest,
  verifyToken: VerifyToken,
  clientAddress: ClientAddress,
): Promise<KmsCaller> {
  const principal = await principalOf(request, verifyToken)
  const instanceGuid = request.header('bluemix-instance') ?? ''
  if (!isUuid(instanceGuid)) {
    const message = 'This operation requires valid Bluemix-Instance Header containing a valid UUID'
    throw protocolError('InstanceHeaderInvalid', message)
  }
  const keyRing = request.header('x-kms-key-ring')
  const address = clientAddress(request)
  return {
    principal,
    instanceGuid,
    correlationId: request.correlationId,
    origin: 'wire',
    ...(address === undefined ? {} : { address }),
    ...(keyRing ? { keyRing } : {}),
  }
}

async function principalOf(request: ApiRequest, verifyToken: VerifyToken): Promise<Principal> {
  const token = bearerToken(request)
  if (token === undefined) throw protocolError('Unauthenticated', 'a bearer token is required')
  try {
    return await verifyToken(token)
  } catch (error) {
    if (!hasCode(error, 'InvalidToken', 'ExpiredToken')) throw error
    throw protocolError('Unauthenticated', 'the token is not valid')
  }
}

/** `Prefer: return=representation | return=minimal` */
export function preference(request: ApiRequest): 'representation' | 'minimal' | undefined {
  const wanted = /(?:^|[,;\s])return=(representation|minimal)(?:$|[,;\s])/.exec(request.header('prefer') ?? '')?.[1]
  return wanted === 'representation' || wanted === 'minimal' ? wanted : undefined
}
