import { CodedError } from '../../base/errors.ts'
import type { Action } from '../../iam/actions.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import type { Principal } from '../../iam/principal.ts'
import { actsBySessionToken } from '../../iam/session-token.ts'

/** What a token operation may touch: anybody may ask for a token. */
export interface IdentityContext {
  readonly iam: Iam
}

export interface PolicyContext {
  readonly iam: Iam
  readonly principal: Principal
}

/** They come by the console, where somebody has signed in with them. Throws NotPermitted. */
export function refuseSessionToken(principal: Principal): void {
  if (!actsBySessionToken(principal)) return
  throw new CodedError<IamErrorCode>('NotPermitted', 'temporary credentials manage no identities, keys and policies')
}

/** Throws NotPermitted. */
export function requirePermission({ iam, principal }: PolicyContext, action: Action, accountId: string): void {
  const { allowed, reason } = iam.decide(principal, action, { service: 'iam', accountId })
  if (!allowed)
    throw new CodedError<IamErrorCode>('NotPermitted', `you are not allowed to do this in the account: ${reason}`)
}
