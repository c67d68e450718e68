import { compactVerify, decodeProtectedHeader, errors } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { decodeBase64url } from '../../base/decode.ts'
import { CodedError } from '../../base/errors.ts'
import { parseStrictJson } from '../../base/strict-json.ts'
import { type AwsIamErrorCode, invalidIdentity } from '../aws/errors.ts'
import type { SessionTag } from '../principal.ts'
import type { IssuerKeySet, IssuerKeys } from './issuer-keys.ts'
import { issuerName, type OidcProvider } from './provider.ts'
import type { OidcProviders } from './providers.ts'
import { tagsOf } from './token-tags.ts'

/** Who a provider says that somebody is. */
export interface WebIdentity {
  readonly provider: OidcProvider
  readonly subject: string
  /** The client that the token was made for. */
  readonly audience: string
  /** Condition keys, lower case: `<issuer>:sub` and so on. */
  readonly facts: Readonly<Record<string, readonly string[]>>
  /** That it gives the session. */
  readonly tags: readonly SessionTag[]
}

/** Throws InvalidIdentityToken, ExpiredTokenException, IDPRejectedClaim, IDPCommunicationError. */
export type VerifyWebIdentity = (accountId: string, token: string) => Promise<WebIdentity>

/** AWS's. Each is of one kind of key, so that no public key can be taken for a shared one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512']
const SKEW_SECONDS = 60

const text = z.string().min(1).max(2048)
const seconds = z.number().nonnegative().max(Number.MAX_SAFE_INTEGER)
const claimsOf = z.object({
  iss: text,
  sub: text,
  aud: z.union([text, z.array(text).min(1).max(100)]),
  exp: seconds,
  iat: seconds,
  nbf: seconds.optional(),
  azp: text.optional(),
  amr: z.union([text, z.array(text).max(100)]).optional(),
})
type Claims = z.output<typeof claimsOf> & { readonly tags: readonly SessionTag[] }

export interface WebIdentityOptions {
  readonly providers: Pick<OidcProviders, 'ofIssuer'>
  readonly keys: IssuerKeys
  readonly clock: Clock
}

/** Nobody is asked for anything on behalf of a token that could not be good, or of an issuer that the account does not know. */
export function webIdentities({ providers, keys, clock }: WebIdentityOptions): VerifyWebIdentity {
  return async (accountId, token) => {
    const claims = read(token)
    const provider = providers.ofIssuer(accountId, claims.iss)
    if (!provider) throw invalidIdentity(`No OpenIDConnect provider found in your account for ${claims.iss}`)
    const nowSeconds = clock.now() / 1000
    if (claims.exp + SKEW_SECONDS <= nowSeconds) throw expired(claims, nowSeconds)
    await verifySignature(token, provider, keys)
    const audience = audienceOf(claims, provider)
    if (claims.iat - SKEW_SECONDS > nowSeconds) throw rejected('The token was issued in the future.')
    if (claims.nbf !== undefined && claims.nbf - SKEW_SECONDS > nowSeconds)
      throw rejected('The token is not yet valid.')
    return { provider, subject: claims.sub, audience, facts: factsOf(claims, audience), tags: claims.tags }
  }
}

/** What it says, whoever says so. One token has one text, and each of its members one meaning. */
function read(token: string): Claims {
  const parts = token.split('.')
  const [header, payload, signature] = parts.map(decodeBase64url)
  if (parts.length !== 3 || !header || !payload || !signature || signature.length === 0) throw noToken()
  try {
    parseStrictJson(header.toString('utf8'))
    const { alg = '' } = decodeProtectedHeader(token)
    if (!ALGORITHMS.includes(alg)) throw invalidIdentity('The algorithm of the token is not one that is taken.')
    const claims = parseStrictJson(payload.toString('utf8'))
    return { ...claimsOf.parse(claims), tags: tagsOf(claims) }
  } catch (error) {
    if (error instanceof CodedError) throw error
    const missing = error instanceof z.ZodError ? error.issues[0]?.path[0] : undefined
    if (missing === undefined) throw noToken(error)
    throw invalidIdentity(`Missing a required claim, or one that is not valid: ${String(missing)}`, error)
  }
}

async function verifySignature(token: string, provider: OidcProvider, keys: IssuerKeys): Promise<void> {
  const first = await keys.of(provider)
  if (await verifies(token, first)) return
  // Its keys may have changed since.
  const second = await keys.again(provider)
  if (second && (await verifies(token, second))) return
  throw invalidIdentity("Couldn't find the key of the token among those of the identity provider")
}

/** False when there is no key for it. */
async function verifies(token: string, keySet: IssuerKeySet): Promise<boolean> {
  try {
    await compactVerify(token, keySet, { algorithms: ALGORITHMS })
    return true
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return false
    throw invalidIdentity('The signature of the token is not valid', error)
  }
}

/** AWS: `azp`, where the token has one; several audiences say nothing of whom it was made for. */
function audienceOf({ aud, azp }: Claims, { clientIds }: OidcProvider): string {
  const list = typeof aud === 'string' ? [aud] : aud
  const audience = azp ?? (list.length === 1 ? list[0] : undefined)
  if (audience === undefined || !clientIds.includes(audience)) throw invalidIdentity('Incorrect token audience')
  return audience
}

function factsOf({ iss, sub, aud, azp, amr }: Claims, audience: string): WebIdentity['facts'] {
  const list = (values: string | readonly string[]) => (typeof values === 'string' ? [values] : values)
  const name = issuerName(iss).toLowerCase()
  return {
    [`${name}:sub`]: [sub],
    [`${name}:aud`]: [audience],
    ...(azp === undefined ? {} : { [`${name}:azp`]: [azp], [`${name}:oaud`]: list(aud) }),
    ...(amr === undefined ? {} : { [`${name}:amr`]: list(amr) }),
  }
}

const noToken = (cause?: unknown) => invalidIdentity('The token is not a signed JSON Web Token', cause)
const rejected = (message: string) => new CodedError<AwsIamErrorCode>('IDPRejectedClaim', message)
const expired = ({ exp }: Claims, nowSeconds: number) =>
  new CodedError<AwsIamErrorCode>(
    'ExpiredTokenException',
    `Token expired: current date/time ${Math.floor(nowSeconds)} must be before the expiration date/time ${exp}`,
  )
