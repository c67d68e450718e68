import { failure } from '../common/failure.ts'
import type { HttpReply } from '../common/http-exchange.ts'
import { reasonCode } from './replies.ts'

/** The state of the key is why: whether it is disabled or gone, only its metadata tells. */
export const isStateRefusal = (reply: HttpReply): boolean =>
  ['KEY_ACTION_INVALID_STATE_ERR', 'KEY_INVALID_STATE_ERR'].includes(reasonCode(reply))

export const isServiceOnly = (reply: HttpReply): boolean =>
  reply.status === 403 && reasonCode(reply) === 'SERVICE_ONLY_ERR'

const NOT_FOUND = ['KEY_NOT_FOUND_ERR', 'KEY_ROOT_REQ_ERR', 'KEY_ROOT_REQ_REG_ERR', 'KEY_DELETED_ERR']
const FORGED = ['UNPROCESSABLE_CIPHERTEXT_ERR', 'INVALID_FIELD_ERR']

/** What an answer that is no success means in the contract's five codes. `opens`: a ciphertext was sent. */
export function refusalOf(reply: HttpReply, { opens = false } = {}) {
  const reason = reasonCode(reply)
  const cause = new Error(`Key Protect answered ${reply.status} ${reason}`.trimEnd())
  if (NOT_FOUND.includes(reason)) return failure('RootKeyNotFound', cause)
  if (isStateRefusal(reply)) return failure('RootKeyDisabled', cause)
  if (reply.status === 401 || reply.status === 403) return failure('KeyAccessDenied', cause)
  // Some gateways answer 422 with a text.
  if (opens && (reply.status === 422 || FORGED.includes(reason))) return failure('WrappedDekForged', cause)
  return failure('KeyProviderUnavailable', cause)
}
