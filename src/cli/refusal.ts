import type { Ending } from '../base/exit-status.ts'
import { CommandFailure } from './failure.ts'
import { fixesOf } from './fixes.ts'
import type { HttpReply } from './http.ts'
import { listOf, member, parsed, textOf } from './json.ts'

/** What a refused call of the control listener says, whichever of its APIs it was. */
export function refusal({ status, headers, body }: HttpReply, ending?: Ending): CommandFailure {
  const document = parsed(body)
  // Every API of the control listener speaks JSON; whatever stands before it has pages of its own.
  if (document === undefined && status < 500) {
    return new CommandFailure({
      code: `HTTP${status}`,
      ending: 'failed',
      why: `what answers there is no control listener: it said ${status}`,
      fixes: ['export COFFER_CONTROL=http://127.0.0.1:9001', 'coffer login URL'],
    })
  }
  const { code, message } = told(document)
  const requestId = [headers['correlation-id'], headers['transaction-id'], textOf(document, 'trace')].find(
    (one) => typeof one === 'string',
  )
  return new CommandFailure({
    code: code ?? `HTTP${status}`,
    ending: ending ?? endingOf(code, status),
    why: `${sentence(message ?? `the server answered ${status}`)}${waitText(headers['retry-after'])}`,
    ...fixesOf(code, status),
    ...(typeof requestId === 'string' ? { requestId } : {}),
  })
}

/** How long a server says that it takes, in the whole seconds of the header. */
function waitText(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' && /^\d+$/.test(header) ? `: it can be done in ${header} s` : ''
}

function told(document: unknown): { readonly code: string | undefined; readonly message: string | undefined } {
  const admin = member(document, 'error')
  if (admin !== undefined) return { code: textOf(admin, 'code'), message: textOf(admin, 'message') }
  const [identity] = listOf(document, 'errors')
  if (identity !== undefined) return { code: textOf(identity, 'code'), message: textOf(identity, 'message') }
  const [keyProtect] = listOf(document, 'resources')
  const [reason] = listOf(keyProtect, 'reasons')
  if (keyProtect !== undefined) {
    return { code: textOf(reason, 'code'), message: textOf(reason, 'message') ?? textOf(keyProtect, 'errorMsg') }
  }
  return {
    code: textOf(document, 'errorCode') ?? textOf(document, 'error_code'),
    message: textOf(document, 'errorDetails') ?? textOf(document, 'errorMessage') ?? textOf(document, 'message'),
  }
}

const KEY_CODES =
  /^KMS\.|RootKeyDisabled|KeyProviderUnavailable|KEY_ACTION_INVALID_STATE|KEY_DELETED|KEY_EXPIRED|KEY_INVALID_STATE/
const CONFLICTS =
  /^BucketNotEmpty|^BucketAlready|^OperationAborted|^PreconditionFailed|^ConditionalRequestConflict|_conflict|InvalidBucketState|BucketBusy/
const MISSING = /^NoSuch|^NotFound|NOT_FOUND|not_found|KeyNotFound|RootKeyNotFound/
const REFUSED =
  /^AccessDenied|^Signature|^InvalidAccessKeyId|^ExpiredToken|^InvalidToken|NotPermitted|forbidden|RequestTimeTooSkewed/

/** Words that can never be right. */
const WRONG = /^InvalidBucketName$/

/** What the code says counts; else the status. */
export function endingOf(code: string | undefined, status: number | undefined): Ending {
  if (code !== undefined) {
    if (KEY_CODES.test(code)) return 'keyUnavailable'
    if (CONFLICTS.test(code)) return 'conflict'
    if (MISSING.test(code)) return 'notFound'
    if (REFUSED.test(code)) return 'refused'
    if (WRONG.test(code)) return 'usage'
  }
  if (status === 401 || status === 403) return 'refused'
  if (status === 404 || status === 410) return 'notFound'
  if (status === 409 || status === 412 || status === 423) return 'conflict'
  return 'failed'
}

/** As the end of a sentence: without a full stop. */
export const sentence = (text: string): string => text.trim().replace(/\.$/, '')
