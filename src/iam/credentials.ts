import type { UserPrincipal } from './principal.ts'

/** An HMAC pair of a user, with everything that S3 needs about them. */
export interface Credential {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly principal: UserPrincipal
  /** First object storage instance of the account: the one HMAC users act in. */
  readonly serviceInstanceCrn: string
  readonly canonicalId: string
  readonly displayName: string
}
