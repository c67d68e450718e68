import { subjectOf, subjectOfIdentity } from './policy-shelves.ts'
import type { UserId } from './records.ts'
import type { IamState } from './state.ts'
import type { Change } from './table.ts'

/** Everything that was granted to an identity, to be gone with it. A later identity of that name starts with nothing. */
export function removePoliciesOf({ policies }: Pick<IamState, 'policies'>, { accountId, iamId }: UserId): Change[] {
  const subject = subjectOfIdentity(accountId, iamId)
  return [...policies.ofAccount(accountId)]
    .filter((policy) => subjectOf(policy) === subject)
    .map(({ id }) => policies.remove(id))
}
