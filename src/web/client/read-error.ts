import { ApiError } from './api-error.ts'
import { type Json, listOf, member, textOf } from './json.ts'
import { parseXml, textIn } from './xml.ts'

/** The error that an answer holds, in whichever of the APIs' languages it is told. */
export async function readError(response: Response): Promise<ApiError> {
  const { status } = response
  const requestId = response.headers.get('x-amz-request-id') ?? response.headers.get('x-request-id') ?? undefined
  const text = await response.text().catch(() => '')
  const found = text.startsWith('<') ? ofXml(text) : ofJson(text)
  const message = found?.message || `The server answered ${status}${text === '' ? ' and said nothing more' : ''}.`
  return new ApiError({
    code: found?.code || CODES[status] || `Status${status}`,
    message: message + waitText(response.headers.get('retry-after')),
    status,
    requestId,
  })
}

/** How long a server says that it takes, in the whole seconds of the header. */
const waitText = (header: string | null): string =>
  header !== null && /^\d+$/.test(header) ? `: it can be done in ${header} s` : ''

/** Answers to HEAD have no body to tell the code. */
const CODES: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  403: 'AccessDenied',
  404: 'NotFound',
  412: 'PreconditionFailed',
  503: 'ServiceUnavailable',
}

interface Told {
  readonly code: string
  readonly message: string
}

function ofXml(text: string): Told | undefined {
  const root = parseXml(text)
  if (!root) return undefined
  const error = root.localName === 'ErrorResponse' ? (root.getElementsByTagName('Error')[0] ?? root) : root
  return { code: textIn(error, 'Code'), message: textIn(error, 'Message') }
}

function ofJson(text: string): Told | undefined {
  let body: Json
  try {
    body = JSON.parse(text)
  } catch {
    return undefined
  }
  return ofPlain(body) ?? ofKeyProtect(body) ?? ofPolicies(body) ?? ofIdentities(body) ?? ofResources(body)
}

/** `{"error":{"code","message"}}` */
function ofPlain(body: Json): Told | undefined {
  const error = member(body, 'error')
  return textOf(error, 'code') === '' ? undefined : { code: textOf(error, 'code'), message: textOf(error, 'message') }
}

function ofKeyProtect(body: Json): Told | undefined {
  const [resource] = listOf(body, 'resources')
  if (textOf(resource, 'errorMsg') === '') return undefined
  const [reason] = listOf(resource, 'reasons')
  return { code: textOf(reason, 'code'), message: textOf(reason, 'message') || textOf(resource, 'errorMsg') }
}

function ofPolicies(body: Json): Told | undefined {
  const [error] = listOf(body, 'errors')
  return textOf(error, 'message') === ''
    ? undefined
    : { code: textOf(error, 'code'), message: textOf(error, 'message') }
}

function ofIdentities(body: Json): Told | undefined {
  const code = textOf(body, 'errorCode')
  return code === '' ? undefined : { code, message: textOf(body, 'errorMessage') }
}

function ofResources(body: Json): Told | undefined {
  const code = textOf(body, 'error_code') || textOf(body, 'code')
  return code === '' ? undefined : { code, message: textOf(body, 'message') }
}
