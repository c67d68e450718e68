import { CodedError } from '../../base/errors.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import type { Principal } from '../../iam/principal.ts'
import type { ApiRequest } from './request.ts'

/** RFC 6750, 2.1. Undefined when there is none. */
export const bearerToken = (request: ApiRequest): string | undefined =>
  /^Bearer +([\w.~+/=-]+)$/i.exec(request.header('authorization') ?? '')?.[1]

/** Whose token it is. Throws InvalidToken, also without one, and ExpiredToken. */
export async function principalOf(request: ApiRequest, { verifyToken }: Pick<Iam, 'verifyToken'>): Promise<Principal> {
  const token = bearerToken(request)
  if (token === undefined) throw new CodedError<IamErrorCode>('InvalidToken', 'a bearer token is required')
  return verifyToken(token)
}
