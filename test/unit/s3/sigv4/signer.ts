import { Sha256 } from '@aws-crypto/sha256-js'
import { HttpRequest } from '@smithy/protocol-http'
import { SignatureV4 } from '@smithy/signature-v4'
import type { S3Request } from '../../../../src/api/s3/request.ts'
import { authenticate } from '../../../../src/api/s3/sigv4/authenticate.ts'
import type { SigV4Identity } from '../../../../src/api/s3/sigv4/identity.ts'
import { rawRequest } from '../raw-request.ts'

export const NOW = Date.UTC(2026, 3, 5, 6, 7, 8)
export const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
export const CREDENTIAL = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET }

/** Somebody else's implementation of Signature Version 4. */
export const signer = (
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } = CREDENTIAL,
  region = 'us-east-1',
): SignatureV4 =>
  new SignatureV4({ credentials, region, service: 's3', sha256: Sha256, uriEscapePath: false, applyChecksum: true })

export interface ToSign {
  readonly method?: string
  readonly path?: string
  readonly query?: Record<string, string | string[]>
  readonly headers?: Record<string, string>
  readonly body?: string
}

const httpRequest = ({ method = 'GET', path = '/bucket/key', query = {}, headers = {}, body }: ToSign): HttpRequest =>
  new HttpRequest({
    method,
    path,
    query,
    headers: { host: 'localhost:9000', ...headers },
    hostname: 'localhost',
    port: 9000,
    ...(body === undefined ? {} : { body }),
  })

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)

export const encodeKey = (key: string): string => key.split('/').map(encode).join('/')

function target({ path, query }: { path: string; query: HttpRequest['query'] }): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one) => `${encode(name)}=${encode(one ?? '')}`),
  )
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}

export interface Signed {
  readonly method: string
  readonly target: string
  readonly headers: Record<string, string>
}

export async function signHeader(toSign: ToSign, by: SignatureV4 = signer(), date = NOW): Promise<Signed> {
  const signed = await by.sign(httpRequest(toSign), { signingDate: new Date(date) })
  return {
    method: signed.method,
    target: target({ path: signed.path, query: signed.query ?? {} }),
    headers: signed.headers,
  }
}

export async function presign(
  toSign: ToSign,
  expiresIn = 300,
  by: SignatureV4 = signer(),
  date = NOW,
): Promise<Signed> {
  // As S3's own presigner does: the payload stays open, and says so in the query.
  const open = { ...toSign, headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...toSign.headers } }
  const signed = await by.presign(httpRequest(open), { signingDate: new Date(date), expiresIn })
  return {
    method: signed.method,
    target: target({ path: signed.path, query: signed.query ?? {} }),
    headers: signed.headers,
  }
}

export interface VerifyOptions {
  readonly now?: number
  readonly regions?: readonly string[] | 'any'
  readonly credentials?: readonly { accessKeyId: string; secretAccessKey: string; sessionToken?: string }[]
}

type Found = { accessKeyId: string; secretAccessKey: string; sessionToken?: string }

export function verifyRequest(request: S3Request, options: VerifyOptions = {}): SigV4Identity<Found> {
  const { now = NOW, regions = 'any', credentials = [CREDENTIAL] } = options
  return authenticate<Found>(request, {
    findCredential: (id) => credentials.find(({ accessKeyId }) => accessKeyId === id),
    clock: { now: () => now },
    regions,
  })
}

export const verify = (signed: Signed, options: VerifyOptions = {}): SigV4Identity<Found> =>
  verifyRequest(rawRequest(signed), options)
