import { hasCode } from '../../base/errors.ts'
import type { ClientAddress } from './client-address.ts'
import type { Call } from './json-operation.ts'

/** What an audit line says of a call, whichever API it is of. */
export interface CallFacts {
  readonly requestId: string
  readonly correlationId?: string
  readonly sourceIp?: string
  /** Of the principal in the context. */
  readonly iamId?: string
  /** Id of its account. */
  readonly account?: string
}

export function callFacts(
  { request, context }: Pick<Call, 'request' | 'context'>,
  clientAddress: ClientAddress,
): CallFacts {
  const { id, correlationId } = request
  const sourceIp = clientAddress(request)
  const principal: unknown = Object(context).principal
  const { iamId, accountId }: { iamId?: unknown; accountId?: unknown } = Object(principal)
  return {
    requestId: id,
    ...(correlationId === id ? {} : { correlationId }),
    ...(sourceIp === undefined ? {} : { sourceIp }),
    ...(isText(iamId) ? { iamId } : {}),
    ...(isText(accountId) ? { account: accountId } : {}),
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** Why a call failed. Messages of refusals are ours and quote no input but names. */
export function failureFacts(error: unknown): { readonly code: string; readonly reason?: string } {
  if (!hasCode(error)) return { code: 'Unexpected' }
  return hasCode(error, 'NotPermitted') ? { code: error.code, reason: error.message } : { code: error.code }
}
