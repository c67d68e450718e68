import { z } from 'zod'
import type { RowCodec } from '../table.ts'

/** An identity provider (OpenID Connect) whose tokens an account takes. */
export interface OidcProvider {
  readonly accountId: string
  /** New for each creation: what was got through a deleted one is not of a later one of its URL. */
  readonly id: string
  /** `iss` of its tokens. */
  readonly url: string
  readonly clientIds: readonly string[]
  /** SHA-1 of certificates, 40 hex digits in either case: trusted besides the authorities. */
  readonly thumbprints: readonly string[]
  readonly createdAtMs: number
}

/** Without `https://`: how ARNs and condition keys name it. */
export const issuerName = (url: string): string => url.replace(/^https?:\/\//, '')

export const oidcProviderKey = ({ accountId, url }: Pick<OidcProvider, 'accountId' | 'url'>): string =>
  `${accountId}/${issuerName(url)}`

export const oidcProviderArn = ({ accountId, url }: Pick<OidcProvider, 'accountId' | 'url'>): string =>
  `arn:aws:iam::${accountId}:oidc-provider/${issuerName(url)}`

const schema = z.strictObject({
  accountId: z.string(),
  id: z.string(),
  url: z.string(),
  clientIds: z.array(z.string()),
  thumbprints: z.array(z.string()),
  createdAtMs: z.number(),
})

export const oidcProviderCodec: RowCodec<OidcProvider> = {
  encode: (row) => row,
  decode: (stored) => schema.parse(stored),
}
