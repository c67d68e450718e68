import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'

export type CertificateFault = 'not-a-certificate' | 'not-a-key' | 'not-its-key' | 'not-usable'

/** When the certificate ends (milliseconds since 1970), the first of the chain; or why the two, in PEM, cannot serve TLS. */
export function checkServerCertificate(cert: string, key: string): { readonly endsMs: number } | CertificateFault {
  const leaf = isWhole(cert) ? attempt(() => new X509Certificate(cert)) : undefined
  if (!leaf) return 'not-a-certificate'
  const privateKey = attempt(() => createPrivateKey(key))
  if (!privateKey) return 'not-a-key'
  if (!leaf.checkPrivateKey(privateKey)) return 'not-its-key'
  if (!attempt(() => createSecureContext({ cert, key }))) return 'not-usable'
  return { endsMs: leaf.validToDate.getTime() }
}

/** One certificate or several, in PEM. */
export const isChain = (pem: string): boolean => isWhole(pem) && attempt(() => new X509Certificate(pem)) !== undefined

/** A chain that is being written would serve as well as what is there of it does. */
const isWhole = (pem: string): boolean =>
  !pem.replaceAll(/-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g, '').includes('-----')

function attempt<Value>(make: () => Value): Value | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}
