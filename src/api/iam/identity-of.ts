import { CodedError } from '../../base/errors.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import type { UserPrincipal } from '../../iam/principal.ts'
import { bearerToken } from '../common/bearer-token.ts'
import type { ApiRequest } from '../common/request.ts'
import { refuseSessionToken } from './context.ts'

/** A user or a service ID. Services manage nobody. Throws InvalidToken, ExpiredToken, NotPermitted. */
export async function identityOf(
  request: ApiRequest,
  { verifyToken }: Pick<Iam, 'verifyToken'>,
): Promise<UserPrincipal> {
  const token = bearerToken(request)
  if (token === undefined) throw new CodedError<IamErrorCode>('InvalidToken', 'No authorization header found.')
  const principal = await verifyToken(token)
  if (principal.type === 'service') {
    throw new CodedError<IamErrorCode>('NotPermitted', 'a service may not do this: it takes a user or a service ID')
  }
  refuseSessionToken(principal)
  return principal
}
