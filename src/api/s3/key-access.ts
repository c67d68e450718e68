import type { Iam } from '../../iam/iam.ts'
import { mayUseRootKey } from '../common/root-key-use.ts'
import type { Asking } from './anonymous.ts'
import type { OperationContext } from './operation.ts'

/** The root keys that a caller may name. */
export function keyAccess(
  principal: Asking,
  iam: Pick<Iam, 'decide' | 'instances'>,
): Pick<OperationContext, 'mayUseRootKey' | 'keyInstances'> {
  if (principal.type === 'anonymous') return { mayUseRootKey: () => false, keyInstances: () => [] }
  return {
    keyInstances: (accountId) =>
      accountId === principal.accountId ? iam.instances({ service: 'kms', accountId }) : [],
    mayUseRootKey: (rootKeyCrn, bucketAccountId) => mayUseRootKey(iam, principal, { rootKeyCrn, bucketAccountId }),
  }
}
