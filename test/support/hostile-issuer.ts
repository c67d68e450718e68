import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TestCertificates } from './certificate.ts'
import { listen } from './issuer-server.ts'

type Answer = (response: ServerResponse, incoming: IncomingMessage) => void

/** An issuer that shows what a test tells it to, and counts how often it is asked for what. */
export interface HostileIssuer extends AsyncDisposable {
  readonly issuer: string
  readonly asked: Map<string, number>
  /** By path; what is not here is as it should be. */
  readonly answers: Map<string, Answer>
  readonly keys: object[]
}

export const json =
  (value: unknown): Answer =>
  (response) =>
    void response.end(JSON.stringify(value))

const CONFIGURATION = '/.well-known/openid-configuration'

export async function startHostileIssuer(
  keys: readonly object[],
  { tls }: { readonly tls?: TestCertificates } = {},
): Promise<HostileIssuer> {
  const [asked, answers, shown] = [new Map<string, number>(), new Map<string, Answer>(), [...keys]]
  const { server, origin } = await listen(tls, (incoming, response) => {
    const path = incoming.url ?? ''
    asked.set(path, (asked.get(path) ?? 0) + 1)
    const usual = path === CONFIGURATION ? { issuer: origin, jwks_uri: `${origin}/keys` } : { keys: shown }
    const answer = answers.get(path) ?? json(usual)
    answer(response, incoming)
  })
  return {
    ...{ issuer: origin, asked, answers, keys: shown },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

export interface TestKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly jwk: object
}

export function rsaKey(kid: string, modulusLength = 2048): TestKey {
  const pair = generateKeyPairSync('rsa', { modulusLength })
  return { kid, alg: 'RS256', ...pair, jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid, use: 'sig' } }
}

export function ecKey(kid: string): TestKey {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { kid, alg: 'ES256', ...pair, jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid, use: 'sig' } }
}

export const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value), 'utf8').toString('base64url')

/** `payload` and `header` as text are taken as they are. */
export function token(key: TestKey, payload: unknown, header: unknown = { alg: key.alg, kid: key.kid }): string {
  const signed = `${part(header)}.${part(payload)}`
  const dsaEncoding = key.alg === 'ES256' ? ({ dsaEncoding: 'ieee-p1363' } as const) : {}
  return `${signed}.${sign('sha256', Buffer.from(signed), { key: key.privateKey, ...dsaEncoding }).toString('base64url')}`
}
