import type { IncomingMessage } from 'node:http'
import { readTraceparent, type Traced } from '../../observe/tracing.ts'

/** What is known of a request as soon as it is there. Its query is left out: it may hold what signs it. */
export function tracedRequest(incoming: IncomingMessage, requestId: string): Traced {
  const { headers, method = '', url = '', httpVersion, socket } = incoming
  const [path = ''] = url.split('?', 1)
  const { host, 'user-agent': userAgent, traceparent } = headers
  return {
    name: method,
    requestId,
    traceparent: readTraceparent(traceparent),
    attributes: {
      'http.request.method': method,
      'url.path': path,
      'url.scheme': 'encrypted' in socket ? 'https' : 'http',
      'network.protocol.version': httpVersion,
      'coffer.request.id': requestId,
      ...(host === undefined ? {} : { 'server.address': host.replace(/:\d+$/, '') }),
      ...(socket.localPort === undefined ? {} : { 'server.port': socket.localPort }),
      ...(socket.remoteAddress === undefined ? {} : { 'network.peer.address': socket.remoteAddress }),
      ...(userAgent === undefined ? {} : { 'user_agent.original': userAgent }),
    },
  }
}

/** What came of it. `code`: undefined when it went well. */
export function tracedAnswer(
  traced: Traced,
  {
    operation,
    status,
    code,
  }: { readonly operation: string; readonly status: number; readonly code: string | undefined },
): void {
  traced.name = operation
  traced.attributes['coffer.operation'] = operation
  traced.attributes['http.response.status_code'] = status
  if (code !== undefined) traced.attributes['error.type'] = code
}
