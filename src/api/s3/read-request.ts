import type { IncomingMessage } from 'node:http'
import { framingFault } from '../common/framing.ts'
import { S3Error } from './error-codes.ts'
import type { S3Request } from './request.ts'
import { decodeComponent, parseQuery, type QueryParameter } from './uri.ts'

export interface ReadRequestOptions {
  readonly id: string
  /** Domains whose subdomains are bucket names, lower case, without port. */
  readonly domains: readonly string[]
  /** The same, of websites. Of nested domains the longest counts, be it of one kind or the other. */
  readonly websiteDomains?: readonly string[]
  readonly secure: boolean
}

const MAX_KEY_BYTES = 1024

/** Reads what the request names, from the raw target and headers. Throws InvalidURI, InvalidBucketName, KeyTooLongError or InvalidRequest. */
export function readRequest(incoming: IncomingMessage, options: ReadRequestOptions): S3Request {
  const { headers, duplicateHeaders } = readHeaders(incoming.rawHeaders)
  // RFC 9112, 3.2: whichever of them counts, somebody on the way may have gone by the other one.
  if (duplicateHeaders.has('host')) throw new S3Error('InvalidRequest', 'The Host header is there twice.')
  checkFraming(incoming.httpVersion, headers)
  const target = originForm(incoming.url ?? '/', headers.get('host'))
  const question = target.indexOf('?')
  const rawPath = question < 0 ? target : target.slice(0, question)
  const rawQuery = question < 0 ? '' : target.slice(question + 1)
  return {
    id: options.id,
    method: incoming.method ?? 'GET',
    rawPath,
    rawQuery,
    ...readResource(rawPath, readHost(headers.get('host'), options)),
    ...readQuery(parseQuery(rawQuery)),
    headers,
    duplicateHeaders,
    secure: options.secure,
    incoming,
  }
}

function checkFraming(httpVersion: string, headers: ReadonlyMap<string, string>): void {
  // RFC 9112, 3.2: a request of HTTP/1.1 without Host is answered 400.
  if (httpVersion === '1.1' && !headers.has('host')) throw new S3Error('BadRequest', 'The Host header is missing.')
  const fault = framingFault(httpVersion, headers.get('transfer-encoding'))
  if (fault === 'of HTTP/1.0') throw new S3Error('BadRequest', 'HTTP/1.0 has no Transfer-Encoding.')
  // RFC 9112, 6.1: answered 501.
  if (fault) throw new S3Error('NotImplemented', undefined, { extra: { Header: 'Transfer-Encoding' } })
}

function readHeaders(raw: readonly string[]): Pick<S3Request, 'headers' | 'duplicateHeaders'> {
  const headers = new Map<string, string>()
  const duplicateHeaders = new Set<string>()
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    const value = raw[index + 1] ?? ''
    const earlier = headers.get(name)
    if (earlier === undefined) {
      headers.set(name, value)
    } else {
      duplicateHeaders.add(name)
      headers.set(name, `${earlier},${value}`)
    }
  }
  return { headers, duplicateHeaders }
}

/** A proxy may send `GET http://host/path`: the authority must then be the one of the Host header, which is signed. */
function originForm(url: string, host: string | undefined): string {
  if (url.startsWith('/') || url === '*') return url
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url)
  const [, authority = '', rest = ''] = absolute ?? []
  if (absolute === null || authority.toLowerCase() !== host?.toLowerCase()) throw new S3Error('InvalidURI')
  return rest.startsWith('/') ? rest : `/${rest}`
}

interface NamedByHost {
  readonly bucket?: string
  readonly website?: true
}

function readHost(host: string | undefined, { domains, websiteDomains = [] }: ReadRequestOptions): NamedByHost {
  if (host === undefined || (domains.length === 0 && websiteDomains.length === 0)) return {}
  const name = host.replace(/:\d*$/, '').toLowerCase()
  if (domains.includes(name)) return {}
  if (websiteDomains.includes(name)) return { website: true }
  const bucket = underDomain(name, domains)
  const site = underDomain(name, websiteDomains)
  if (site !== undefined && site.length < (bucket?.length ?? Number.POSITIVE_INFINITY)) {
    return { bucket: site, website: true }
  }
  return bucket === undefined ? {} : { bucket }
}

function underDomain(name: string, domains: readonly string[]): string | undefined {
  let bucket: string | undefined
  for (const domain of domains) {
    if (!name.endsWith(`.${domain}`)) continue
    const label = name.slice(0, -domain.length - 1)
    // Of nested domains the longest one counts: it leaves the shortest bucket.
    if (label !== '' && (bucket === undefined || label.length < bucket.length)) bucket = label
  }
  return bucket
}

function readResource(rawPath: string, host: NamedByHost): Pick<S3Request, 'bucket' | 'key' | 'website'> {
  const path = rawPath === '*' ? '' : rawPath.slice(1)
  if (host.bucket !== undefined || host.website) return { bucket: undefined, ...host, key: readKey(path) }
  if (path === '') return { bucket: undefined, key: undefined }
  const slash = path.indexOf('/')
  const bucket = decodeComponent(slash < 0 ? path : path.slice(0, slash))
  if (bucket === '') throw new S3Error('InvalidBucketName', undefined, { extra: { BucketName: '' } })
  return { bucket, key: slash < 0 ? undefined : readKey(path.slice(slash + 1)) }
}

function readKey(rawKey: string): string | undefined {
  if (rawKey === '') return undefined
  const key = decodeComponent(rawKey)
  // No UTF-16 unit takes more than 3 bytes of UTF-8.
  if (key.length * 3 > MAX_KEY_BYTES) {
    const size = Buffer.byteLength(key)
    if (size > MAX_KEY_BYTES) {
      throw new S3Error('KeyTooLongError', undefined, {
        extra: { Size: String(size), MaxSizeAllowed: String(MAX_KEY_BYTES) },
      })
    }
  }
  return key
}

function readQuery(parameters: readonly QueryParameter[]): Pick<S3Request, 'query' | 'duplicateQuery'> {
  const query = new Map<string, string>()
  const duplicateQuery = new Set<string>()
  for (const { name, value } of parameters) {
    if (query.has(name)) duplicateQuery.add(name)
    else query.set(name, value)
  }
  return { query, duplicateQuery }
}
