import { once } from 'node:events'
import { connect } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { testCertificates } from '../support/certificate.ts'

/** What ends TLS in front of a server, for clients that speak nothing else. */
export interface TlsFront extends AsyncDisposable {
  readonly port: number
  /** PEM, of the authority that signed its certificate. */
  readonly ca: string
}

export async function startTlsFront(behindUrl: string): Promise<TlsFront> {
  const { ca, cert, key } = testCertificates()
  const { hostname, port } = new URL(behindUrl)
  const open = new Set<TLSSocket>()
  const server = createServer({ cert, key }, (socket) => {
    const behind = connect(Number(port), hostname)
    open.add(socket)
    socket.on('error', () => behind.destroy()).on('close', () => open.delete(socket))
    behind.on('error', () => socket.destroy())
    socket.pipe(behind).pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    ca,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}
