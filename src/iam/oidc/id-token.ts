import { compactVerify, decodeProtectedHeader, errors } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { decodeBase64url } from '../../base/decode.ts'
import { CodedError } from '../../base/errors.ts'
import { parseStrictJson } from '../../base/strict-json.ts'
import { type AwsIamErrorCode, invalidIdentity } from '../aws/errors.ts'
import type { IssuerKeySet, IssuerKeys } from './issuer-keys.ts'
import type { OidcProvider } from './provider.ts'

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
export type IdTokenClaims = z.output<typeof claimsOf>

export interface IdToken {
  readonly claims: IdTokenClaims
  /** With all else that it says. */
  readonly all: Readonly<Record<string, unknown>>
}

export interface VerifyingOptions {
  readonly keys: Pick<IssuerKeys, 'of' | 'again'>
  readonly clock: Clock
}

/**
 * The client that it was made for, once it counts: it has not expired, a key of the provider signed it, and it is for a client of the provider's.
 * Throws InvalidIdentityToken, ExpiredTokenException, IDPRejectedClaim, IDPCommunicationError.
 */
export async function verifyIdToken(
  token: string,
  claims: IdTokenClaims,
  provider: OidcProvider,
  { keys, clock }: VerifyingOptions,
): Promise<string> {
  const nowSeconds = clock.now() / 1000
  if (claims.exp + SKEW_SECONDS <= nowSeconds) throw expired(claims, nowSeconds)
  await verifySignature(token, provider, keys)
  const audience = audienceOf(claims, provider)
  if (claims.iat - SKEW_SECONDS > nowSeconds) throw rejected('The token was issued in the future.')
  if (claims.nbf !== undefined && claims.nbf - SKEW_SECONDS > nowSeconds) throw rejected('The token is not yet valid.')
  return audience
}

/** What it says, whoever says so. One token has one text, and each of its members one meaning. Throws InvalidIdentityToken. */
export function readIdToken(token: string): IdToken {
  const parts = token.split('.')
  const [header, payload, signature] = parts.map(decodeBase64url)
  if (parts.length !== 3 || !header || !payload || !signature || signature.length === 0) throw noToken()
  try {
    parseStrictJson(header.toString('utf8'))
    const { alg = '' } = decodeProtectedHeader(token)
    if (!ALGORITHMS.includes(alg)) throw invalidIdentity('The algorithm of the token is not one that is taken.')
    const all = parseStrictJson(payload.toString('utf8'))
    return { claims: claimsOf.parse(all), all: z.record(z.string(), z.unknown()).parse(all) }
  } catch (error) {
    if (error instanceof CodedError) throw error
    const missing = error instanceof z.ZodError ? error.issues[0]?.path[0] : undefined
    if (missing === undefined) throw noToken(error)
    throw invalidIdentity(`Missing a required claim, or one that is not valid: ${String(missing)}`, error)
  }
}

async function verifySignature(token: string, provider: OidcProvider, keys: VerifyingOptions['keys']): Promise<void> {
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
function audienceOf({ aud, azp }: IdTokenClaims, { clientIds }: OidcProvider): string {
  const list = typeof aud === 'string' ? [aud] : aud
  const audience = azp ?? (list.length === 1 ? list[0] : undefined)
  if (audience === undefined || !clientIds.includes(audience)) throw invalidIdentity('Incorrect token audience')
  return audience
}

const noToken = (cause?: unknown) => invalidIdentity('The token is not a signed JSON Web Token', cause)
const rejected = (message: string) => new CodedError<AwsIamErrorCode>('IDPRejectedClaim', message)
const expired = ({ exp }: IdTokenClaims, nowSeconds: number) =>
  new CodedError<AwsIamErrorCode>(
    'ExpiredTokenException',
    `Token expired: current date/time ${Math.floor(nowSeconds)} must be before the expiration date/time ${exp}`,
  )
