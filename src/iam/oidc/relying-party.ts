import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { CodedError, hasCode } from '../../base/errors.ts'
import type { Secret } from '../../base/secret.ts'
import { sameText } from '../../base/secrets.ts'
import { parseStrictJson } from '../../base/strict-json.ts'
import { type AwsIamErrorCode, invalidIdentity } from '../aws/errors.ts'
import { readIdToken, verifyIdToken } from './id-token.ts'
import { createIssuerKeys, type FetchIssuerDocument, type IssuerDocumentErrorCode } from './issuer-keys.ts'
import { checkIssuerUrl, type IssuerRules } from './issuer-url.ts'
import type { OidcProvider } from './provider.ts'

/** The identity provider that people sign in with, and as what we are known there. */
export interface RelyingPartySettings {
  readonly issuer: string
  readonly clientId: string
  /** Absent: we are a public client, and PKCE alone shows that who redeems a code asked for it. */
  readonly clientSecret?: Secret | undefined
  readonly scopes: readonly string[]
  /** Where the provider sends people back to, to the letter as it knows it. */
  readonly redirectUri: string
}

/** Sends a form to this very URL: the body of a good answer. Throws CodedError of IssuerDocumentErrorCode. */
export type PostToIssuer = (url: URL, form: string, headers: Readonly<Record<string, string>>) => Promise<string>

export interface RelyingPartyOptions {
  readonly settings: RelyingPartySettings
  readonly rules: IssuerRules
  readonly fetchDocument: FetchIssuerDocument
  readonly post: PostToIssuer
  readonly clock: Clock
}

/** What ties an answer to the one who asked. */
export interface AskedFor {
  readonly state: string
  readonly nonce: string
  /** SHA-256 of the verifier, base64url. */
  readonly challenge: string
}

export interface Redemption {
  readonly code: string
  /** Whose answer it says it is (RFC 9207). */
  readonly issuer: string | undefined
  readonly verifier: string
  readonly nonce: string
}

/** Signing in by the authorization code flow with PKCE (OpenID Connect Core 1.0, section 3.1). */
export interface RelyingParty {
  /** Where somebody says to the provider who they are. Throws IDPCommunicationError, InvalidIdentityToken. */
  readonly authorizationUrl: (asked: AskedFor) => Promise<URL>
  /**
   * What the provider says of them: the claims of an ID token that is for us, for now, and for the one who asked.
   * Throws InvalidIdentityToken, ExpiredTokenException, IDPRejectedClaim, IDPCommunicationError.
   */
  readonly redeem: (redemption: Redemption) => Promise<Readonly<Record<string, unknown>>>
  /**
   * Where somebody ends their session with the provider itself; undefined: it offers no such place. It says who sends them and
   * nothing of them, so the provider asks them first. Throws InvalidIdentityToken, IDPCommunicationError.
   */
  readonly endSessionUrl: () => Promise<URL | undefined>
}

const MAX_TOKEN_CHARACTERS = 64 * 1024
const tokenReply = z.object({ id_token: z.string().max(MAX_TOKEN_CHARACTERS) })

/** Throws ValidationError when the issuer cannot be one. */
export function createRelyingParty({ settings, rules, fetchDocument, post, clock }: RelyingPartyOptions): RelyingParty {
  const { issuer, clientId, clientSecret, scopes, redirectUri } = settings
  checkIssuerUrl(issuer, rules)
  const provider: OidcProvider = {
    ...{ accountId: '', id: 'sign-in', url: issuer, clientIds: [clientId] },
    ...{ thumbprints: [], createdAtMs: 0 },
  }
  const keys = createIssuerKeys({ fetchDocument, rules, clock })

  const exchange = async (code: string, verifier: string): Promise<string> => {
    const { token, tokenAuthMethods } = await keys.endpoints(provider)
    if (!token) throw invalidIdentity('The identity provider shows no token endpoint')
    const byHeader = clientSecret !== undefined && usesBasic(tokenAuthMethods)
    const form = new URLSearchParams({
      ...{ grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier },
      ...(byHeader ? {} : { client_id: clientId }),
      ...(byHeader || clientSecret === undefined ? {} : { client_secret: clientSecret.reveal() }),
    })
    const authorization = byHeader ? { authorization: basic(clientId, clientSecret) } : {}
    try {
      return tokenReply.parse(parseStrictJson(await post(token, form.toString(), authorization))).id_token
    } catch (error) {
      if (!hasCode<IssuerDocumentErrorCode>(error, 'IssuerUnreachable')) {
        throw invalidIdentity('The identity provider gave no token for the code', error)
      }
      throw new CodedError<AwsIamErrorCode>('IDPCommunicationError', 'The identity provider gave no token', {
        cause: error,
      })
    }
  }
  return {
    authorizationUrl: async ({ state, nonce, challenge }) => {
      const { authorization } = await keys.endpoints(provider)
      if (!authorization) throw invalidIdentity('The identity provider shows no authorization endpoint')
      const url = new URL(authorization)
      const query = {
        ...{ response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope: scopes.join(' ') },
        ...{ state, nonce, code_challenge: challenge, code_challenge_method: 'S256' },
      }
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
      return url
    },
    endSessionUrl: async () => {
      const { endSession } = await keys.endpoints(provider)
      if (!endSession) return undefined
      const url = new URL(endSession)
      url.searchParams.set('client_id', clientId)
      return url
    },
    redeem: async ({ code, issuer: said, verifier, nonce }) => {
      const { saysIssuer } = await keys.endpoints(provider)
      // Another provider's code is not shown to this one, nor this one's to another.
      if (said === undefined ? saysIssuer : said !== issuer) throw invalidIdentity('The answer is of another issuer')
      const token = await exchange(code, verifier)
      const { claims, all } = readIdToken(token)
      if (claims.iss !== issuer) throw invalidIdentity('The token is of another issuer')
      await verifyIdToken(token, claims, provider, { keys, clock })
      // Core, 3.1.3.7: whoever it was made for, it is for us, too.
      if (![claims.aud].flat().includes(clientId)) throw invalidIdentity('Incorrect token audience')
      const { nonce: given } = all
      if (typeof given !== 'string' || !sameText(given, nonce)) throw invalidIdentity('The token has another nonce')
      return all
    },
  }
}

/** RFC 8414: what is left out means this one. */
const usesBasic = (methods: readonly string[] = ['client_secret_basic']): boolean =>
  methods.includes('client_secret_basic') || !methods.includes('client_secret_post')

/** RFC 6749, section 2.3.1: each is encoded like a form first. */
function basic(clientId: string, secret: Secret): string {
  const encoded = [clientId, secret.reveal()].map((text) => new URLSearchParams({ '': text }).toString().slice(1))
  return `Basic ${Buffer.from(encoded.join(':')).toString('base64')}`
}
