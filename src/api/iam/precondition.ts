import { CodedError } from '../../base/errors.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { ApiRequest } from '../common/request.ts'
import { etagOf } from './policy-face.ts'
import type { PolicyErrorCode } from './policy-protocol.ts'

/** The revision that the caller has seen. Throws PreconditionMissing, or `changed` when it is another than there is. */
export function matchedRevision(
  request: ApiRequest,
  found: { readonly id: string; readonly revision: number },
  changed: Extract<IamErrorCode, 'PolicyChanged' | 'RoleChanged'>,
): number {
  const wanted = request.header('if-match')
  if (wanted === undefined)
    throw new CodedError<PolicyErrorCode>('PreconditionMissing', 'the header If-Match is required')
  if (wanted !== '*' && wanted !== etagOf(found)) {
    const kind = changed === 'RoleChanged' ? 'role' : 'policy'
    throw new CodedError<IamErrorCode>(changed, `the ${kind} has changed: If-Match is not its ETag`, {
      details: { [kind]: found.id, etag: etagOf(found) },
    })
  }
  return found.revision
}
