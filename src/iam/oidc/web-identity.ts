import { invalidIdentity } from '../aws/errors.ts'
import type { SessionTag } from '../principal.ts'
import { type IdTokenClaims, readIdToken, type VerifyingOptions, verifyIdToken } from './id-token.ts'
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

export interface WebIdentityOptions extends VerifyingOptions {
  readonly providers: Pick<OidcProviders, 'ofIssuer'>
}

/** Nobody is asked for anything on behalf of a token that could not be good, or of an issuer that the account does not know. */
export function webIdentities({ providers, ...verifying }: WebIdentityOptions): VerifyWebIdentity {
  return async (accountId, token) => {
    const { claims, all } = readIdToken(token)
    const tags = tagsOf(all)
    const provider = providers.ofIssuer(accountId, claims.iss)
    if (!provider) throw invalidIdentity(`No OpenIDConnect provider found in your account for ${claims.iss}`)
    const audience = await verifyIdToken(token, claims, provider, verifying)
    return { provider, subject: claims.sub, audience, facts: factsOf(claims, audience), tags }
  }
}

function factsOf({ iss, sub, aud, azp, amr }: IdTokenClaims, audience: string): WebIdentity['facts'] {
  const list = (values: string | readonly string[]) => (typeof values === 'string' ? [values] : values)
  const name = issuerName(iss).toLowerCase()
  return {
    [`${name}:sub`]: [sub],
    [`${name}:aud`]: [audience],
    ...(azp === undefined ? {} : { [`${name}:azp`]: [azp], [`${name}:oaud`]: list(aud) }),
    ...(amr === undefined ? {} : { [`${name}:amr`]: list(amr) }),
  }
}
