import { hasCode } from '../../base/errors.ts'
import type { Throttle } from '../common/throttle.ts'
import { type AuthenticationOptions, authenticate, isForm } from './authenticate.ts'
import type { Caller } from './operation.ts'
import type { S3Request } from './request.ts'
import { authMechanism } from './sigv4/mechanism.ts'

export interface SignInOptions extends AuthenticationOptions {
  readonly throttle: Throttle
}

/** As `authenticate`, as often as the sender's address and whoever sends may. Throws TooManyRequests, too. */
export async function signIn(
  request: S3Request,
  raw: AsyncIterable<Buffer>,
  sourceIp: string | undefined,
  options: SignInOptions,
): Promise<Caller> {
  const { throttle } = options
  if (isForm(request) || authMechanism(request) !== 'anonymous') throttle.signIn(sourceIp)
  const caller = await authenticate(request, raw, options).catch((error: unknown) => {
    if (isRefusedSignIn(error)) throttle.refused(sourceIp)
    throw error
  })
  throttle.request(caller.principal, sourceIp)
  return caller
}

/** Not what is malformed or has expired: that is no guess. */
export const isRefusedSignIn = (error: unknown): boolean =>
  hasCode(error, 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'InvalidIdentityToken') ||
  (error instanceof Error && hasCode(error.cause, 'InvalidToken'))
