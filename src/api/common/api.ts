import type { IncomingMessage } from 'node:http'
import { parseForm, parseJson, readBody } from './body.ts'
import type { Call, CallAudit, JsonOperation, JsonOperationInfo, JsonProtocol } from './json-operation.ts'
import type { Reply } from './reply.ts'
import type { ApiRequest } from './request.ts'

/** A protocol and its operations, with the type of their context closed over: what a listener mounts. */
export interface Api {
  readonly name: string
  readonly prefixes: readonly string[]
  readonly operations: readonly ApiOperation[]
  readonly renderError: (error: unknown, request: ApiRequest) => Reply
  readonly error: JsonProtocol<unknown>['error']
  readonly replyHeaders: (request: ApiRequest) => Readonly<Record<string, string>>
}

export interface ApiOperation extends JsonOperationInfo {
  readonly handle: (request: ApiRequest, incoming: IncomingMessage) => Promise<Reply>
}

const DEFAULT_BODY_LIMIT_BYTES = 1024 * 1024

export function defineApi<Context>(
  protocol: JsonProtocol<Context>,
  operations: readonly JsonOperation<Context>[],
): Api {
  const { name, prefixes, renderError, error, replyHeaders = () => ({}) } = protocol
  return {
    name,
    prefixes,
    renderError,
    error,
    replyHeaders,
    operations: operations.map((operation) => ({
      ...operation,
      handle: (request, incoming) =>
        recorded(protocol.audit, { request, operation, context: undefined }, async (call) => {
          const context = await protocol.authenticate(request, operation)
          call.context = context
          const decoded = operation.readsBody ? await decodedBody(protocol, operation, incoming) : undefined
          return operation.prepare(request, decoded)(context)
        }),
    })),
  }
}

async function recorded(audit: CallAudit | undefined, call: Call, act: (call: Call) => Promise<Reply>): Promise<Reply> {
  audit?.begin(call)
  let reply: Reply
  try {
    reply = await act(call)
  } catch (error) {
    audit?.failed(call, error)
    throw error
  }
  await audit?.ended(call, reply)
  return reply
}

async function decodedBody<Context>(
  protocol: JsonProtocol<Context>,
  operation: JsonOperationInfo,
  incoming: IncomingMessage,
): Promise<unknown> {
  const bytes = await readBody(incoming, protocol.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES)
  const decoded = operation.bodyFormat === 'form' ? parseForm(bytes) : parseJson(bytes)
  return decoded === undefined || !protocol.normaliseBody ? decoded : protocol.normaliseBody(decoded, operation)
}
