import { ANONYMOUS, accountArn, type Requester } from '../../../access/requester.ts'
import type { Iam } from '../../../iam/iam.ts'
import type { Asking } from '../anonymous.ts'

export const identityArn = (accountId: string, iamId: string): string => `arn:aws:iam::${accountId}:user/${iamId}`

/** Who asks, as policies and ACLs know them. */
export function requesterOf(principal: Asking, iam: Pick<Iam, 'decide' | 'owner'>): Requester {
  if (principal.type === 'anonymous') return ANONYMOUS
  const { accountId, iamId } = principal
  if (principal.type === 'service') {
    return { type: 'service', accountId, arns: [], services: [principal.serviceName, iamId] }
  }
  if (principal.aws) {
    const { arns, ids } = principal.aws
    return { type: 'identity', accountId, canonicalId: iam.owner(accountId)?.id, arns, ids }
  }
  const own = identityArn(accountId, iamId)
  return {
    type: 'identity',
    accountId,
    canonicalId: iam.owner(accountId)?.id,
    arns: isAccountItself(principal, iam) ? [own, accountArn(accountId)] : [own],
  }
}

/**
 * Whoever may give himself every right in the account is what AWS calls its root: a policy that keeps him out could never
 * be mended by anybody.
 */
export function isAccountItself(
  principal: Exclude<Asking, { type: 'anonymous' }>,
  { decide }: Pick<Iam, 'decide'>,
): boolean {
  return decide(principal, 'iam.policy.create', { service: 'iam', accountId: principal.accountId }).allowed
}
