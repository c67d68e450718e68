import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { IncomingMessage, request as plainRequest, type ServerResponse } from 'node:http'
import { Agent, request } from 'node:https'
import { Provider } from 'oidc-provider'
import type { TestCertificates } from './certificate.ts'
import { listen } from './issuer-server.ts'

/** A real OpenID Connect provider, at which anybody may log in under any name. */
export interface IdentityProvider extends AsyncDisposable {
  readonly issuer: string
  /** ID token of who logs in at this client, by the authorization code flow in a browser. */
  readonly idToken: (subject: string, clientId?: string) => Promise<string>
  /** What it says of somebody besides, by name. */
  readonly claims: Map<string, object>
  /** Who logs in where nobody is named; undefined: whoever it is does not want to. */
  readonly atTheKeyboard: { name: string | undefined }
  /** Follows redirects from here, as a browser does, until they lead elsewhere. */
  readonly browse: (url: string) => Promise<URL>
}

/** One that keeps a secret, beside those that do not. */
export interface ConfidentialClient {
  readonly id: string
  readonly secret: string
  readonly redirectUri: string
}

export const CLIENT_ID = 'photos'
export const TAGS = 'https://aws.amazon.com/tags'
const REDIRECT = 'https://client.example/back'

export async function startIdentityProvider({
  tls,
  confidential,
}: {
  readonly tls?: TestCertificates
  readonly confidential?: ConfidentialClient
} = {}): Promise<IdentityProvider> {
  const { server, origin } = await listen(tls)
  const said = new Map<string, object>()
  const atTheKeyboard: IdentityProvider['atTheKeyboard'] = { name: 'nobody-in-particular' }
  const usual = { response_types: ['code' as const], grant_types: ['authorization_code'] }
  const open = [CLIENT_ID, 'another'].map((client_id) => ({
    ...{ ...usual, client_id, redirect_uris: [REDIRECT] },
    token_endpoint_auth_method: 'none' as const,
  }))
  const closed = [confidential ?? []].flat().map(({ id, secret, redirectUri }) => ({
    ...{ ...usual, client_id: id, client_secret: secret, redirect_uris: [redirectUri] },
    token_endpoint_auth_method: 'client_secret_basic' as const,
  }))
  const provider = new Provider(origin, {
    clients: [...open, ...closed],
    pkce: { required: () => false },
    jwks: { keys: [privateJwk()] },
    ttl: { Interaction: 60, Grant: 60, Session: 60, AccessToken: 60, IdToken: 3600 },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId, ...said.get(accountId) }) }),
    claims: { openid: ['sub', TAGS], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    interactions: { url: (_, { uid }) => `/login/${uid}` },
  })
  // What it tells of its keys being for tests.
  provider.on('server_error', (_, error) => console.error(error))
  const serve = provider.callback()
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    if (!incoming.url?.startsWith('/login/')) return void serve(incoming, response)
    void logIn(provider, atTheKeyboard.name, incoming, response)
  })
  return {
    ...{ issuer: origin, claims: said, atTheKeyboard },
    browse: async (url) => new URL(await browser(origin, tls?.ca)(url)),
    idToken: async (subject, clientId = CLIENT_ID) => {
      const browse = browser(origin, tls?.ca)
      const query = { client_id: clientId, redirect_uri: REDIRECT, response_type: 'code', scope: 'openid' }
      const login = { ...query, login_hint: subject }
      const back = await browse(`/auth?${new URLSearchParams(login)}`)
      const code = new URL(back).searchParams.get('code') ?? ''
      const form = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT, client_id: clientId }
      const answer = await send(new URL('/token', origin), tls?.ca, {}, new URLSearchParams(form).toString())
      const { id_token } = JSON.parse(answer.body)
      if (typeof id_token !== 'string') throw new Error(answer.body)
      return id_token
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function privateJwk() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { ...privateKey.export({ format: 'jwk' }), kid: 'first', use: 'sig', alg: 'RS256' }
}

async function logIn(
  provider: Provider,
  person: string | undefined,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { params } = await provider.interactionDetails(incoming, response)
  const hint = params['login_hint']
  const accountId = typeof hint === 'string' ? hint : person
  if (accountId === undefined) {
    await provider.interactionFinished(incoming, response, { error: 'access_denied' })
    return
  }
  const grant = new provider.Grant({ accountId, clientId: String(params['client_id']) })
  grant.addOIDCScope('openid email')
  const grantId = await grant.save()
  await provider.interactionFinished(incoming, response, { login: { accountId }, consent: { grantId } })
}

/** Follows redirects, with cookies, until they lead elsewhere. */
function browser(origin: string, ca: string | undefined): (path: string) => Promise<string> {
  const cookies = new Map<string, string>()
  return async (path) => {
    let url = new URL(path, origin)
    for (let left = 10; left > 0 && url.origin === origin; left--) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const { headers, body } = await send(url, ca, { cookie })
      for (const one of headers['set-cookie'] ?? []) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(one) ?? []
        cookies.set(name, value)
      }
      if (headers.location === undefined) throw new Error(`no redirect: ${body}`)
      url = new URL(headers.location, origin)
    }
    return url.href
  }
}

async function send(url: URL, ca: string | undefined, headers: Record<string, string>, form?: string) {
  const type = form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
  const options = { method: form === undefined ? 'GET' : 'POST', headers: { ...headers, ...type } }
  const outgoing =
    ca === undefined ? plainRequest(url, options) : request(url, { ...options, agent: new Agent({ ca }) })
  outgoing.end(form)
  const [incoming] = await once(outgoing, 'response')
  if (!(incoming instanceof IncomingMessage)) throw new Error('no answer')
  let body = ''
  for await (const chunk of incoming.setEncoding('utf8')) body += chunk
  return { headers: incoming.headers, body }
}
