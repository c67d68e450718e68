import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { TestCertificates } from './certificate.ts'

/** A server on a free port of 127.0.0.1, with TLS where there are certificates. */
export async function listen(
  tls: TestCertificates | undefined,
  serve?: RequestListener,
): Promise<{ readonly server: Server; readonly origin: string }> {
  const server = tls ? createTlsServer({ cert: tls.cert + tls.ca, key: tls.key }) : createServer()
  if (serve) server.on('request', serve)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('it does not listen')
  return { server, origin: `http${tls ? 's' : ''}://127.0.0.1:${address.port}` }
}
