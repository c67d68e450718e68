import type { CredentialScope } from './signing-key.ts'

/** A signature as presented by a request, read and plausible, but not verified. */
export interface PresentedSignature {
  readonly mode: 'header' | 'query'
  readonly scope: CredentialScope
  readonly signedHeaders: string
  readonly signature: string
  /** `yyyymmddThhmmssZ` */
  readonly amzDate: string
  /** Value of x-amz-content-sha256, or what stands for it. */
  readonly contentSha256: string
  readonly sessionToken: string | undefined
}

export const ALGORITHM = 'AWS4-HMAC-SHA256'
export const MAX_SKEW_MS = 15 * 60 * 1000
