import { parseCrn } from '../../../base/crn.ts'
import { isUuid } from '../../../base/ids.ts'
import type { Iam } from '../../../iam/iam.ts'

type Record = Readonly<{ [member: string]: unknown }>

/**
 * Whose line of the audit log it is: of the account that the bucket, the key or the identity belongs to which something was
 * done to; where the target does not say that, of the account of whoever did it. Undefined: nobody's, but the operator's.
 */
export function accountOf({ target, account }: Record, { instance }: Pick<Iam, 'instance'>): string | undefined {
  if (typeof target === 'string') {
    if (target.startsWith('crn:')) return accountInCrn(target)
    const [, inArn] = /^arn:[a-z-]+:[a-z0-9]+:[a-z0-9-]*:([0-9a-f]{32}):/.exec(target) ?? []
    const [, bare] = /^a\/([0-9a-f]{32})$/.exec(target) ?? []
    const [, inPath] = /^\/v\d\/accounts\/([0-9a-f]{32})\//.exec(target) ?? []
    const guid = target.slice(0, 36)
    // Of a key that nobody knows, in an instance.
    const ofInstance = isUuid(guid) && target[36] === ':' ? instance(guid)?.accountId : undefined
    const found = inArn ?? bare ?? inPath ?? ofInstance
    if (found !== undefined) return found
  }
  return typeof account === 'string' ? account : undefined
}

function accountInCrn(crn: string): string | undefined {
  try {
    const { account } = parseCrn(crn)
    return account === '' ? undefined : account
  } catch {
    return undefined
  }
}
