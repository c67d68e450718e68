import type { Clock } from '../../base/clock.ts'
import type { Iam } from '../../iam/iam.ts'
import type { ApiRequest } from '../common/request.ts'
import type { CredentialsIam } from './credentials.ts'
import type { Sessions } from './sessions.ts'
import type { SignInAudit } from './sign-in-audit.ts'
import type { Sso } from './sso.ts'
import type { PeopleIam } from './sso-person.ts'

export interface ConsoleOptions {
  readonly iam: CredentialsIam & PeopleIam & Pick<Iam, 'account' | 'instances'>
  readonly clock: Clock
  readonly sessions: Sessions
  readonly version: string
  readonly halves: { readonly objects: boolean; readonly keys: boolean }
  /** Where clients reach S3, as far as a request tells; undefined in the half without objects. */
  readonly s3: ((request: Pick<ApiRequest, 'header'>) => S3Endpoint) | undefined
  /** Whether the listeners speak TLS. */
  readonly tls: boolean
  /** Undefined: nobody signs in with an identity provider. */
  readonly sso: Sso | undefined
  readonly audit: SignInAudit
}

/** Over TLS, or behind a proxy that says that it speaks it. Whoever lies about that hurts themselves alone. */
export const isSecure = ({ header }: Pick<ApiRequest, 'header'>, { tls }: Pick<ConsoleOptions, 'tls'>): boolean =>
  tls || header('x-forwarded-proto')?.split(',')[0]?.trim() === 'https'

export interface S3Endpoint {
  readonly url: string
  readonly region: string
}
