import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { mainAccount, type TestAccount } from './bootstrap.ts'

export interface RawS3Request {
  readonly method: string
  /** Raw, as it goes into the request line, without query. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Lower-case names; values in Latin-1, byte for byte as sent. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
  /** x-amz-content-sha256; the hash of the body unless given. */
  readonly payload?: string
  readonly account?: TestAccount
  /** Of the credential scope. */
  readonly region?: string
}

export interface RawS3Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Of an error document, '' otherwise. */
  readonly code: string
}

export interface SignedS3Request {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  /** What the signature of a first chunk continues. */
  readonly seed: ChunkSeed
}

export interface ChunkSeed {
  readonly key: Buffer
  readonly signature: string
  readonly amzDate: string
  readonly scope: string
}

export const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex')
export const hmac = (key: Buffer | string, data: string): Buffer => createHmac('sha256', key).update(data).digest()

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)

/** Signature Version 4 in its header form, over exactly what is given: what the SDK would mend or refuse can be sent. */
export function signRaw(s3Url: string, request: RawS3Request): SignedS3Request {
  const { method, path, query = {}, body = '', account = mainAccount, region = 'us-east-1' } = request
  const amzDate = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '')
  const payload = request.payload ?? sha256(body)
  const headers: Record<string, string> = {
    host: new URL(s3Url).host,
    'x-amz-date': amzDate,
    'x-amz-content-sha256': payload,
    ...request.headers,
  }
  const names = Object.keys(headers).sort()
  const rawQuery = Object.entries(query)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
  const canonicalHeaders = names.map((name) => `${name}:${(headers[name] ?? '').replace(/[ \t]+/g, ' ')}\n`).join('')
  const canonical = [method, path, rawQuery, canonicalHeaders, names.join(';'), payload].join('\n')
  const scope = `${amzDate.slice(0, 8)}/${region}/s3/aws4_request`
  const { accessKeyId, secretAccessKey } = account.user
  const key = scope.split('/').reduce((parent: Buffer | string, part) => hmac(parent, part), `AWS4${secretAccessKey}`)
  const stringToSign = ['AWS4-HMAC-SHA256', amzDate, scope, sha256(Buffer.from(canonical, 'latin1'))].join('\n')
  const signature = hmac(key, stringToSign).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return {
    method,
    target: rawQuery === '' ? path : `${path}?${rawQuery}`,
    headers: { ...headers, authorization },
    seed: { key: Buffer.from(key), signature, amzDate, scope },
  }
}

/** A request whose body the caller writes. Never fails by itself: a reset shows when its reply is awaited. */
export function startRaw(s3Url: string, { method, target, headers }: Omit<SignedS3Request, 'seed'>): ClientRequest {
  const { hostname, port } = new URL(s3Url)
  const outgoing = httpRequest({ host: hostname, port, method, path: target, headers, agent: false })
  outgoing.on('error', () => {})
  return outgoing
}

export async function replyOf(outgoing: ClientRequest): Promise<RawS3Reply> {
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const code = /<Error>.*?<Code>(.*?)<\/Code>/s.exec(body.toString())?.[1] ?? ''
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body, code }
}

/** Signs, sends and reads the answer. */
export function sendRaw(s3Url: string, request: RawS3Request): Promise<RawS3Reply> {
  const { body } = request
  const lengthBytes = body === undefined ? undefined : Buffer.byteLength(body)
  const signed = signRaw(s3Url, request)
  const length = lengthBytes === undefined ? {} : { 'content-length': String(lengthBytes) }
  const outgoing = startRaw(s3Url, { ...signed, headers: { ...length, ...signed.headers } })
  // As a Buffer: Node would otherwise send headers and body as one string, in the body's encoding.
  outgoing.end(body === undefined ? undefined : Buffer.from(body))
  return replyOf(outgoing)
}

/** `status code` of an answer: what tests compare. */
export const outcome = ({ status, code }: RawS3Reply): string => (code === '' ? String(status) : `${status} ${code}`)
