import { createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { CodedError, hasCode } from '../../base/errors.ts'
import { parseStrictJson } from '../../base/strict-json.ts'
import { type AwsIamErrorCode, invalidIdentity } from '../aws/errors.ts'
import { configurationUrl, type IssuerRules, keysUrl } from './issuer-url.ts'
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
}

const FRESH_MS = 600_000
/** Whoever has no token at all must not be able to have a provider asked for keys without end. */
const AGAIN_MS = 30_000
const FAILED_MS = 5000
const MAX_PROVIDERS = 1000
const MAX_KEYS = 100

const configuration = z.object({ issuer: z.string(), jwks_uri: z.string() })
const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(MAX_KEYS) })

interface Known {
  readonly keys: Promise<IssuerKeySet>
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

  const ask = (provider: OidcProvider): Promise<IssuerKeySet> => {
    const nowMs = clock.now()
    const keys = load(provider, fetchDocument, rules)
    const one: Known = { keys, sinceMs: nowMs, state: 'asked', askedAgainMs: nowMs }
    keys.then(
      () => {
        one.state = 'known'
      },
      () => {
        one.state = 'failed'
      },
    )
    known.set(nameOf(provider), one)
    return keys
  }
  return {
    of: (provider) => {
      const last = known.get(nameOf(provider))
      if (!last) return ask(provider)
      const ageMs = clock.now() - last.sinceMs
      const isGood = last.state === 'asked' || (ageMs >= 0 && ageMs < (last.state === 'known' ? FRESH_MS : FAILED_MS))
      return isGood ? last.keys : ask(provider)
    },
    again: async (provider) => {
      const last = known.get(nameOf(provider))
      const nowMs = clock.now()
      if (!last) return await ask(provider)
      if (Math.abs(nowMs - last.askedAgainMs) < AGAIN_MS) return undefined
      last.askedAgainMs = nowMs
      // What is known stays when there is no answer.
      const keys = load(provider, fetchDocument, rules)
      await keys
      known.set(nameOf(provider), { keys, sinceMs: nowMs, state: 'known', askedAgainMs: nowMs })
      return await keys
    },
  }
}

/** A provider with other certificates, or made anew, is asked anew. */
const nameOf = ({ accountId, id, thumbprints }: OidcProvider): string => [accountId, id, ...thumbprints].join('/')

async function load(
  { url, thumbprints }: OidcProvider,
  fetchDocument: FetchIssuerDocument,
  { httpIssuers }: IssuerRules,
): Promise<IssuerKeySet> {
  if (!url.startsWith('https://') && !httpIssuers.has(url)) throw noKey()
  try {
    const fetchJson = async <Shape>(at: URL, shape: z.ZodType<Shape>): Promise<Shape> =>
      shape.parse(parseStrictJson(await fetchDocument(at, { thumbprints })))
    const { issuer, jwks_uri } = await fetchJson(configurationUrl(url), configuration)
    const at = keysUrl(url, jwks_uri)
    if (issuer !== url || !at) throw noKey()
    const { keys } = await fetchJson(at, keySet)
    // A key that several could hold verifies nothing.
    const jwks: JSONWebKeySet = { keys: keys.filter(({ kty }) => kty === 'RSA' || kty === 'EC') }
    return createLocalJWKSet(jwks)
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

const noKey = (cause?: unknown) =>
  invalidIdentity("Couldn't retrieve verification key from your identity provider", cause)
