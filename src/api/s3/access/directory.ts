import type { Accounts } from '../../../access/grants.ts'
import type { Iam } from '../../../iam/iam.ts'
import { ANONYMOUS_OWNER } from '../anonymous.ts'

/** Whose canonical ids and addresses are whose. */
export interface AccountDirectory extends Accounts {
  readonly displayName: (canonicalId: string) => string | undefined
}

export function accountDirectory(iam: Pick<Iam, 'accounts' | 'accountsOfEmail'>): AccountDirectory {
  const find = (id: string) => iam.accounts().find(({ canonicalId }) => canonicalId === id)
  return {
    hasCanonicalId: (id) => find(id) !== undefined,
    canonicalIdsOfEmail: (email) => iam.accountsOfEmail(email).map(({ canonicalId }) => canonicalId),
    displayName: (id) => (id === ANONYMOUS_OWNER.id ? ANONYMOUS_OWNER.displayName : find(id)?.name),
  }
}
