import { createServer, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'

/** PEM: a chain of certificates, the server's own first, and its private key. */
export interface TlsMaterial {
  readonly cert: string
  readonly key: string
}

/** What a listener shows its clients; it may be renewed while connections are open. */
export interface TlsSource {
  readonly current: () => TlsMaterial
  readonly onRenewed: (listener: (material: TlsMaterial) => void) => void
}

/**
 * RFC 8996: older versions must not be negotiated. What is left of 1.2 has forward secrecy and authenticated encryption. Approved
 * algorithms alone (SP 800-52, SP 800-56A; the first two groups by their ML-KEM, FIPS 203). `?`: unless OpenSSL does not have it.
 */
const MODERN = {
  minVersion: 'TLSv1.2',
  ciphers: ['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256', 'ECDHE+AESGCM'].join(':'),
  ecdhCurve: ['?X25519MLKEM768', '?SecP256r1MLKEM768', 'P-256', 'P-384', 'P-521'].join(':'),
} as const
/** A client that does not finish its handshake holds a connection for nobody. */
const HANDSHAKE_TIMEOUT_MS = 20_000

/**
 * An HTTP server, over TLS where there is a certificate. New connections are shown the certificate as it is then.
 * `clientCa`: PEM; whoever shows no certificate of one of these authorities does not get through the handshake.
 */
export function createEdgeServer(options: ServerOptions, tls: TlsSource | undefined, clientCa?: string): Server {
  if (!tls) return createServer(options)
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }
  const server = createTlsServer({
    ...options,
    ...MODERN,
    ...tls.current(),
    ...clients,
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    // As a plain server of Node's does: a client that has said all may close its side and still waits for the answer.
    allowHalfOpen: true,
  })
  tls.onRenewed((material) => server.setSecureContext({ ...MODERN, ...material, ...clients }))
  return server
}
