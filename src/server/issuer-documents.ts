import { once } from 'node:events'
import { connect, type DetailedPeerCertificate, getCACertificates, type TLSSocket } from 'node:tls'
import { CodedError } from '../base/errors.ts'
import { networkTest } from '../base/networks.ts'
import { isPublicAddress, lookupWithin, type MayReach, mayReachHost } from '../base/public-address.ts'
import type { FetchIssuerDocument, IssuerDocumentErrorCode } from '../iam/oidc/issuer-keys.ts'
import type { PostToIssuer } from '../iam/oidc/relying-party.ts'
import { type HttpReply, type HttpRequest, httpExchange } from '../providers/common/http-exchange.ts'

const TIMEOUT_MS = 5000
const MAX_BYTES = 256 * 1024

export interface IssuerDocumentOptions {
  readonly ca?: string | undefined
  /** Not public, and all the same such as identity providers may be in. */
  readonly networks?: readonly string[]
  /** The operator gave their URLs: they may be anywhere. */
  readonly namedIssuers?: readonly string[]
}

/**
 * Asks an identity provider for one document. Its URL is chosen by whoever administers an account, so it is asked at a
 * public address only, whatever its name stands for by then, or where the operator allows it. It is trusted by the authorities of the system and those of `ca` (PEM);
 * else by a certificate that it shows and whose SHA-1 was given, which then stands for an authority: what it shows must
 * have been issued under it, for this name, and for now.
 */
export function issuerDocuments(options: IssuerDocumentOptions): FetchIssuerDocument {
  const { authorities, reachOf } = reaching(options)
  return async (url, { thumbprints }) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const mayReach = reachOf(url)
    try {
      return textOf(await ask(getting(url, signal), { ca: authorities, mayReach }))
    } catch (cause) {
      if (cause instanceof CodedError) throw cause
      const shown =
        thumbprints.length > 0 && isDistrust(cause) ? await shownBy(url, thumbprints, { signal, mayReach }) : undefined
      if (!shown) throw unreachable(cause)
      try {
        return textOf(await ask(getting(url, signal), { ca: [shown], mayReach }))
      } catch (error) {
        throw error instanceof CodedError ? error : unreachable(error)
      }
    }
  }
}

/** The same for what somebody is sent: under the authorities alone. */
export function issuerPosts(options: IssuerDocumentOptions): PostToIssuer {
  const { authorities, reachOf } = reaching(options)
  return async (url, form, headers) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const type = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
    const request = { method: 'POST', url, signal, headers: { ...type, ...headers }, body: Buffer.from(form) } as const
    try {
      return textOf(await ask(request, { ca: authorities, mayReach: reachOf(url) }))
    } catch (cause) {
      throw cause instanceof CodedError ? cause : unreachable(cause)
    }
  }
}

function reaching({ ca, networks = [], namedIssuers = [] }: IssuerDocumentOptions) {
  const isAllowed = networkTest(networks)
  const namedOrigins = new Set(namedIssuers.map((issuer) => new URL(issuer).origin))
  return {
    authorities: ca === undefined ? undefined : [...getCACertificates('default'), ca],
    reachOf: (url: URL): MayReach => {
      // Whose URL the operator gave may be anywhere.
      const isNamed = namedOrigins.has(url.origin)
      return (address) => isNamed || isPublicAddress(address) || isAllowed(address)
    },
  }
}

const getting = (url: URL, signal: AbortSignal): HttpRequest => ({
  ...{ method: 'GET', url, headers: { accept: 'application/json' }, signal },
})

interface Reaching {
  readonly ca: readonly string[] | undefined
  readonly mayReach: MayReach
}

async function ask(request: HttpRequest, { ca, mayReach }: Reaching): Promise<HttpReply> {
  await using exchange = httpExchange({ maxConnections: 1, mayReach, ...(ca ? { ca, trustsIssued: true } : {}) })
  return await exchange(request)
}

/** A redirect is no document: nobody asks where it leads. */
function textOf({ status, body }: HttpReply): string {
  if (status >= 500 || status === 429) throw unreachable(new Error(`it answered ${status}`))
  if (status !== 200) throw refused(`it answered ${status}`)
  if (body.length > MAX_BYTES) throw refused(`it answered more than ${MAX_BYTES} bytes`)
  return body.toString('utf8')
}

const DISTRUST: ReadonlySet<unknown> = new Set([
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT'],
  ...['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
])

const isDistrust = (error: unknown): boolean => error instanceof Error && 'code' in error && DISTRUST.has(error.code)

/** PEM of the certificate that it shows and that was named. Nothing is said on this connection. */
async function shownBy(
  url: URL,
  thumbprints: readonly string[],
  { signal, mayReach }: Pick<Reaching, 'mayReach'> & { readonly signal: AbortSignal },
): Promise<string | undefined> {
  if (!mayReachHost(url, mayReach)) return undefined
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isName = !/^[\d.]+$|:/.test(host)
  const socket = connect({
    ...{ host, port: Number(url.port || 443), rejectUnauthorized: false, lookup: lookupWithin(mayReach) },
    ...(isName ? { servername: host } : {}),
  })
  try {
    await once(socket, 'secureConnect', { signal })
    const trusted = thumbprints.map((one) => one.toLowerCase())
    return certificatesOf(socket).find(({ sha1 }) => trusted.includes(sha1))?.pem
  } catch {
    return undefined
  } finally {
    socket.destroy()
  }
}

function certificatesOf(socket: TLSSocket): readonly { readonly sha1: string; readonly pem: string }[] {
  const found: { sha1: string; pem: string }[] = []
  let at: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  for (let left = 10; at?.raw !== undefined && left > 0; left--) {
    const lines = at.raw.toString('base64').match(/.{1,64}/g) ?? []
    const pem = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
    found.push({ sha1: at.fingerprint.replaceAll(':', '').toLowerCase(), pem })
    at = at.issuerCertificate === at ? undefined : at.issuerCertificate
  }
  return found
}

const coded = (code: IssuerDocumentErrorCode, message: string, cause?: unknown) =>
  new CodedError<IssuerDocumentErrorCode>(code, message, { cause })
const unreachable = (cause: unknown) => coded('IssuerUnreachable', 'the identity provider does not answer', cause)
const refused = (why: string) => coded('IssuerRefused', `the identity provider shows no document: ${why}`)
