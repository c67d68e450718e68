import { type CodedError, hasCode } from '../../base/errors.ts'
import type { JsonProtocol } from './json-operation.ts'
import { headersOf, isRequestError, requestErrorStatus } from './plain-protocol.ts'
import type { Reply } from './reply.ts'
import type { ApiRequest, RequestErrorCode } from './request.ts'

/** The status, and the protocol's own code or codes. */
export type Face = readonly [status: number, ...codes: readonly string[]]

export interface FaceRendererOptions<OneFace extends Face> {
  /** By code. What is not in here is the request's own error, or an internal one without its text. */
  readonly faces: Readonly<Record<string, OneFace>>
  readonly ofRequest: (status: number, code: RequestErrorCode) => OneFace
  readonly internal: OneFace
  /** `error`: absent for an internal one. */
  readonly reply: (
    request: ApiRequest,
    face: OneFace,
    message: string,
    headers: Readonly<Record<string, string>>,
    error?: CodedError,
  ) => Reply
}

/** `renderError` of a protocol whose errors are a table. */
export function faceRenderer<OneFace extends Face>(
  options: FaceRendererOptions<OneFace>,
): JsonProtocol<unknown>['renderError'] {
  const { ofRequest, internal, reply } = options
  const faces = new Map(Object.entries(options.faces))
  return (error, request) => {
    const face = hasCode(error) ? faces.get(error.code) : undefined
    if (face && hasCode(error)) return reply(request, face, error.message, {}, error)
    if (!isRequestError(error)) return reply(request, internal, 'internal error', {})
    const requestFace = ofRequest(requestErrorStatus(error.code), error.code)
    return reply(request, requestFace, error.message, headersOf(error), error)
  }
}
