import type { JSONWebKeySet } from 'jose'
import type { Principal } from './principal.ts'

export interface IssuedToken {
  readonly accessToken: string
  readonly issuedAtSeconds: number
  readonly expiresAtSeconds: number
}

export interface Tokens {
  /** 1 h. Throws ApiKeyNotFound. */
  readonly issueForApiKey: (apiKey: string) => Promise<IssuedToken>
  /** 30 min, `sub_type: CRN`. Throws NotPermitted or UnknownInstance. */
  readonly issueForService: (caller: Principal, instanceCrn: string) => Promise<IssuedToken>
  /** Public keys, as `/identity/keys` shows them. */
  readonly jwks: () => JSONWebKeySet
}
