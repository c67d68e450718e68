import type { RequestBody } from '../request.ts'

/** The least that a signature needs to know of a credential. */
export interface SigningCredential {
  readonly secretAccessKey: string
  /** When set, the request must carry exactly this X-Amz-Security-Token. */
  readonly sessionToken?: string
  readonly expiresAtMs?: number
}

/** The token is not verified yet: a credential that is found by it must not be believed before its signature is. */
export type FindCredential<C extends SigningCredential> = (
  accessKeyId: string,
  sessionToken: string | undefined,
) => C | undefined

/** Made only by a signature that verified. */
export interface SigV4Identity<C extends SigningCredential> {
  readonly credential: C
  readonly accessKeyId: string
  /** Region of the credential scope, as the client gave it. */
  readonly region: string
  readonly mode: 'header' | 'query'
  /** Opens the body in the payload mode that was signed. To be called once, after authorisation. */
  readonly openBody: (raw: AsyncIterable<Buffer>) => RequestBody
}
