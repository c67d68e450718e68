import { createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { CodedError, hasCode } from '../../base/errors.ts'
import { parseStrictJson } from '../../base/strict-json.ts'
import { type AwsIamErrorCode, invalidIdentity } from '../aws/errors.ts'
import { configurationUrl, endpointUrl, type IssuerRules } from './issuer-url.ts'
import type { OidcProvider } from './provider.ts'

/** `IssuerUnreachable`: it may answer later. `IssuerRefused`: it answers, and not with a document. */
export type IssuerDocumentErrorCode = 'IssuerUnreachable' | 'IssuerRefused'

/**
 * Gets what an identity provider shows: this very URL, no other that it may lead to. `thumbprints` of certificates are
 * trusted besides the authorities. Throws CodedError of IssuerDocumentErrorCode.
 */
export type FetchIssuerDocument = (url: URL, trusted: { readonly thumbprints: readonly string[] }) => Promise<string>

export type IssuerKeySet = ReturnType<typeof createLocalJWKSet>

export interface IssuerKeys {
  /** Throws InvalidIdentityToken, IDPCommunicationError. */
  readonly of: (provider: OidcProvider) => Promise<IssuerKeySet>
  /** Asked again, unless that was a moment ago: undefined then. */
  readonly again: (provider: OidcProvider) => Promise<IssuerKeySet | undefined>
  /** Where people sign in with it, by the same document, kept as long. Throws InvalidIdentityToken, IDPCommunicationError. */
  readonly endpoints: (provider: OidcProvider) => Promise<IssuerEndpoints>
}

/** OpenID Connect Discovery 1.0, section 3, and RFC 9207; undefined: it says nothing of it that could be used. */
export interface IssuerEndpoints {
  readonly authorization: URL | undefined
  readonly token: URL | undefined
  /** OpenID Connect RP-Initiated Logout 1.0, section 2.1. */
  readonly endSession: URL | undefined
  readonly tokenAuthMethods: readonly string[] | undefined
  /** Each of its answers says whose it is. */
  readonly saysIssuer: boolean
}

interface Shown {
  readonly keySet: IssuerKeySet
  readonly endpoints: IssuerEndpoints
}

const FRESH_MS = 600_000
/** Whoever has no token at all must not be able to have a provider asked for keys without end. */
const AGAIN_MS = 30_000
const FAILED_MS = 5000
const MAX_PROVIDERS = 1000
const MAX_KEYS = 100

/** What only signing in needs does not make it another's document. */
const configuration = z.object({
  issuer: z.string(),
  jwks_uri: z.string(),
  authorization_endpoint: z.string().optional().catch(undefined),
  token_endpoint: z.string().optional().catch(undefined),
  end_session_endpoint: z.string().optional().catch(undefined),
  token_endpoint_auth_methods_supported: z.array(z.string()).optional().catch(undefined),
  authorization_response_iss_parameter_supported: z.boolean().optional().catch(undefined),
})
const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(MAX_KEYS) })

interface Known {
  readonly shown: Promise<Shown>
  readonly sinceMs: number
  state: 'asked' | 'known' | 'failed'
  askedAgainMs: number
}

export interface IssuerKeysOptions {
  readonly fetchDocument: FetchIssuerDocument
  readonly rules: IssuerRules
  readonly clock: Clock
}

/** Keys are kept for ten minutes, a failure for some seconds; who asks at the same time waits for one answer. */
export function createIssuerKeys({ fetchDocument, rules, clock }: IssuerKeysOptions): IssuerKeys {
  const known = new LRUCache<string, Known>({ max: MAX_PROVIDERS })

  const ask = (provider: OidcProvider): Promise<Shown> => {
    const nowMs = clock.now()
    const shown = load(provider, fetchDocument, rules)
    const one: Known = { shown, sinceMs: nowMs, state: 'asked', askedAgainMs: nowMs }
    shown.then(
      () => {
        one.state = 'known'
      },
      () => {
        one.state = 'failed'
      },
    )
    known.set(nameOf(provider), one)
    return shown
  }
  const shownBy = (provider: OidcProvider): Promise<Shown> => {
    const last = known.get(nameOf(provider))
    if (!last) return ask(provider)
    const ageMs = clock.now() - last.sinceMs
    const isGood = last.state === 'asked' || (ageMs >= 0 && ageMs < (last.state === 'known' ? FRESH_MS : FAILED_MS))
    return isGood ? last.shown : ask(provider)
  }
  return {
    of: async (provider) => (await shownBy(provider)).keySet,
    endpoints: async (provider) => (await shownBy(provider)).endpoints,
    again: async (provider) => {
      const last = known.get(nameOf(provider))
      const nowMs = clock.now()
      if (!last) return (await ask(provider)).keySet
      if (Math.abs(nowMs - last.askedAgainMs) < AGAIN_MS) return undefined
      last.askedAgainMs = nowMs
      // What is known stays when there is no answer.
      const shown = load(provider, fetchDocument, rules)
      const { keySet } = await shown
      known.set(nameOf(provider), { shown, sinceMs: nowMs, state: 'known', askedAgainMs: nowMs })
      return keySet
    },
  }
}

/** A provider with other certificates, or made anew, is asked anew. */
const nameOf = ({ accountId, id, thumbprints }: OidcProvider): string => [accountId, id, ...thumbprints].join('/')

async function load(
  { url, thumbprints }: OidcProvider,
  fetchDocument: FetchIssuerDocument,
  { httpIssuers }: IssuerRules,
): Promise<Shown> {
  if (!url.startsWith('https://') && !httpIssuers.has(url)) throw noKey()
  try {
    const fetchJson = async <Shape>(at: URL, shape: z.ZodType<Shape>): Promise<Shape> =>
      shape.parse(parseStrictJson(await fetchDocument(at, { thumbprints })))
    const told = await fetchJson(configurationUrl(url), configuration)
    const at = endpointUrl(url, told.jwks_uri)
    if (told.issuer !== url || !at) throw noKey()
    const { keys } = await fetchJson(at, keySet)
    // A key that several could hold verifies nothing.
    const jwks: JSONWebKeySet = { keys: keys.filter(({ kty }) => kty === 'RSA' || kty === 'EC') }
    return { keySet: createLocalJWKSet(jwks), endpoints: endpointsOf(url, told) }
  } catch (error) {
    if (hasCode<IssuerDocumentErrorCode>(error, 'IssuerUnreachable')) {
      throw new CodedError<AwsIamErrorCode>(
        'IDPCommunicationError',
        'The identity provider that was asked to verify the token could not be reached.',
        { cause: error },
      )
    }
    throw hasCode<AwsIamErrorCode>(error, 'InvalidIdentityToken') ? error : noKey(error)
  }
}

const endpointsOf = (issuer: string, told: z.output<typeof configuration>): IssuerEndpoints => ({
  authorization: endpointUrl(issuer, told.authorization_endpoint ?? ''),
  token: endpointUrl(issuer, told.token_endpoint ?? ''),
  endSession: endpointUrl(issuer, told.end_session_endpoint ?? ''),
  tokenAuthMethods: told.token_endpoint_auth_methods_supported,
  saysIssuer: told.authorization_response_iss_parameter_supported === true,
})

const noKey = (cause?: unknown) =>
  invalidIdentity("Couldn't retrieve verification key from your identity provider", cause)
