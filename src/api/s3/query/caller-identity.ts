import { accountArn } from '../../../access/requester.ts'
import { identityArn, isAccountItself } from '../access/requester.ts'
import type { QueryOperation } from './query-operation.ts'

export const CALLER_IDENTITY: readonly QueryOperation[] = [
  {
    ...{ name: 'GetCallerIdentity', api: 'sts', takes: [], open: true },
    resource: () => '*',
    run: ({ principal, accountId, iam }) => {
      const isRoot = isAccountItself(principal, iam)
      const own = isRoot ? accountArn(accountId) : identityArn(accountId, principal.iamId)
      return {
        Arn: principal.aws?.arns[0] ?? own,
        UserId: isRoot ? accountId : principal.iamId,
        Account: accountId,
      }
    },
  },
]
