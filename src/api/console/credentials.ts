import type { Clock } from '../../base/clock.ts'
import { CodedError, hasCode } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import { newSecret, sameText } from '../../base/secrets.ts'
import type { Credential } from '../../iam/credentials.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import type { UserPrincipal } from '../../iam/principal.ts'
import type { ConsoleErrorCode } from './errors.ts'

export type PresentedCredentials =
  | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string | undefined }
  | { readonly apiKey: string }

/** What somebody signed in with. It is asked again at each request: what was revoked since ends the session. */
export interface HeldCredentials {
  readonly kind: 'access-key' | 'api-key' | 'oidc'
  readonly accessKeyId?: string
  /** Where the session with the identity provider ends, which goes on when that here has ended. */
  readonly endsAt?: string
  /** Throws InvalidToken when they are good no longer. */
  readonly principal: () => Promise<UserPrincipal>
  /** The instance that new buckets belong to; undefined: the first of the account. */
  readonly serviceInstanceCrn?: string
}

export type CredentialsIam = Pick<Iam, 'findCredential' | 'tokens'>

/** Throws SignInRefused when nobody is known by them. */
export async function hold(
  presented: PresentedCredentials,
  iam: CredentialsIam,
  clock: Clock,
): Promise<HeldCredentials> {
  return 'apiKey' in presented ? holdApiKey(presented.apiKey, iam) : holdAccessKey(presented, iam, clock)
}

function holdAccessKey(
  { accessKeyId, secretAccessKey, sessionToken }: Exclude<PresentedCredentials, { readonly apiKey: string }>,
  iam: CredentialsIam,
  clock: Clock,
): HeldCredentials {
  const secret = new Secret(secretAccessKey)
  const token = sessionToken === undefined ? undefined : new Secret(sessionToken)
  const find = (): Credential | undefined => {
    const found = iam.findCredential(accessKeyId, token?.reveal())
    // An unknown one takes as long.
    const isSecret = sameText(secret.reveal(), found?.secretAccessKey ?? newSecret())
    if (!found || !isSecret) return undefined
    if (found.sessionToken !== undefined && !sameText(token?.reveal() ?? '', found.sessionToken)) return undefined
    return found.expiresAtMs !== undefined && found.expiresAtMs <= clock.now() ? undefined : found
  }
  const first = find()
  if (!first) throw refused()
  return {
    kind: 'access-key',
    accessKeyId,
    serviceInstanceCrn: first.serviceInstanceCrn,
    principal: async () => {
      const found = find()
      if (!found) throw new CodedError<IamErrorCode>('InvalidToken', 'the access key is not good any more')
      return found.principal
    },
  }
}

async function holdApiKey(apiKey: string, { tokens }: CredentialsIam): Promise<HeldCredentials> {
  let held = await tokens.issueForApiKey(apiKey).catch((error: unknown) => {
    throw hasCode(error, 'ApiKeyNotFound') ? refused() : error
  })
  const verified = async () => {
    try {
      return await tokens.verify(held.accessToken)
    } catch (error) {
      if (!hasCode(error, 'ExpiredToken')) throw error
      held = await tokens.issueForRefreshToken(held.refreshToken)
      return tokens.verify(held.accessToken)
    }
  }
  return {
    kind: 'api-key',
    principal: async () => {
      const principal = await verified()
      if (principal.type === 'service') throw new Error('an API key is of a user or a service ID')
      return principal
    },
  }
}

/** One identity has one name here, whatever it signed in with. Throws InvalidToken. */
export async function whoseAre({ principal }: HeldCredentials): Promise<string> {
  const { accountId, iamId, aws } = await principal()
  return `${accountId} ${aws?.ids.at(-1) ?? iamId}`
}

const refused = (): CodedError<ConsoleErrorCode> =>
  new CodedError('SignInRefused', 'Nobody is known by these credentials. They are case-sensitive.')
