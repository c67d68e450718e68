import { hashOf } from '../../base/checksums.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError, hasCode } from '../../base/errors.ts'
import { newSecret, sameText } from '../../base/secrets.ts'
import type { AwsIamErrorCode } from '../../iam/aws/errors.ts'
import type { RelyingParty } from '../../iam/oidc/relying-party.ts'
import type { HeldCredentials } from './credentials.ts'
import type { ConsoleErrorCode } from './errors.ts'
import { findPerson, holdPerson, type PeopleIam } from './sso-person.ts'

/** Signing in with an identity provider. */
export interface SsoOptions {
  readonly provider: RelyingParty
  /** How it is called: Continue with … */
  readonly name: string
  /** Of the console, as the provider knows it. */
  readonly publicUrl: string
  /** That says who somebody is. */
  readonly claim: string
  /** Whose users they are; undefined: the operator's. */
  readonly accountId: string | undefined
  /** Told of each that came to nothing, for whoever runs the server. */
  readonly onRefused: (cause: unknown) => void
}

export interface Sso extends Pick<SsoOptions, 'name' | 'publicUrl'> {
  /** Throws SsoFailed. */
  readonly begin: () => Promise<Begun>
  /** Throws SsoFailed, SignInRefused. */
  readonly finish: (answer: Answer) => Promise<HeldCredentials>
}

export interface Begun {
  /** For the browser that begins alone: all else that ties the answer to it is made of this. */
  readonly secret: string
  readonly url: URL
}

export interface Answer {
  /** Of the browser that brings it. */
  readonly secret: string | undefined
  readonly query: ReadonlyMap<string, string>
}

/** Why somebody is not let in, for the page that says so. */
const FAILURES = ['unreachable', 'denied', 'again', 'refused', 'nobody'] as const
export type SsoFailure = (typeof FAILURES)[number]

/** A provider's code lives ten minutes at most (RFC 6749, section 4.1.2). */
export const ANSWER_WITHIN_MS = 600_000
const MOST_USED = 10_000

export function createSso(options: SsoOptions, iam: PeopleIam, clock: Clock): Sso {
  const { provider, name, publicUrl, claim, accountId, onRefused } = options
  const isFirstUse = once(clock)
  const told = async <Result>(act: () => Promise<Result>): Promise<Result> => {
    try {
      return await act()
    } catch (cause) {
      const error = failureOf(cause)
      onRefused(error)
      throw error
    }
  }
  return {
    ...{ name, publicUrl },
    begin: () =>
      told(async () => {
        const secret = newSecret()
        return { secret, url: await provider.authorizationUrl(askedWith(secret)) }
      }),
    finish: ({ secret, query }) =>
      told(async () => {
        const { state, nonce } = askedWith(secret ?? newSecret())
        // An answer that this browser did not ask for might sign it in as somebody else.
        if (!sameText(query.get('state') ?? '', state) || secret === undefined || !isFirstUse(state)) {
          throw ssoRefused('again', 'The answer is none to what this browser asked, or it was used before.')
        }
        const code = query.get('code')
        if (query.has('error') || code === undefined) throw deniedBy(query.get('error'))
        const claims = await provider.redeem({ code, issuer: query.get('iss'), verifier: secret, nonce })
        const person = findPerson(claims, { claim, accountId }, iam)
        if (!person) throw ssoRefused('nobody', `No user of the account is known by the claim ${claim}.`)
        // Whoever is let in is so without it.
        const endsAt = await provider.endSessionUrl().catch(() => undefined)
        return { ...holdPerson(person, iam), ...(endsAt ? { endsAt: endsAt.href } : {}) }
      }),
  }
}

/** What goes through the provider and the address bar tells nothing of the verifier. */
const askedWith = (secret: string) => {
  const made = (what: string): string => hashOf('sha256', Buffer.from(what)).toString('base64url')
  return { state: made(`state ${secret}`), nonce: made(`nonce ${secret}`), challenge: made(secret) }
}

/** True once for each text, as long as an answer can count. */
function once(clock: Clock): (text: string) => boolean {
  const used = new Map<string, number>()
  return (text) => {
    for (const [one, untilMs] of used) {
      if (untilMs > clock.now() && used.size < MOST_USED) break
      used.delete(one)
    }
    if (used.has(text)) return false
    used.set(text, clock.now() + ANSWER_WITHIN_MS)
    return true
  }
}

/** Of what `begin` and `finish` throw. */
export function ssoFailure(error: unknown): SsoFailure | undefined {
  const sso = hasCode<ConsoleErrorCode>(error, 'SignInRefused', 'SsoFailed') ? error.details['sso'] : undefined
  return FAILURES.find((one) => one === sso)
}

const ssoRefused = (sso: SsoFailure, message: string, cause?: unknown): CodedError<ConsoleErrorCode> =>
  new CodedError('SignInRefused', message, { details: { sso }, cause })
const ssoFailed = (sso: SsoFailure, message: string, cause?: unknown): CodedError<ConsoleErrorCode> =>
  new CodedError('SsoFailed', message, { details: { sso }, cause })

/** RFC 6749, section 4.1.2.1. */
const deniedBy = (error: string | undefined): CodedError<ConsoleErrorCode> =>
  error === 'access_denied'
    ? ssoFailed('denied', 'The identity provider let nobody in.')
    : ssoFailed('refused', `The identity provider answered ${JSON.stringify(error?.slice(0, 64) ?? 'without a code')}.`)

function failureOf(cause: unknown): unknown {
  if (hasCode<AwsIamErrorCode>(cause, 'IDPCommunicationError')) {
    return ssoFailed('unreachable', 'The identity provider does not answer.', cause)
  }
  return hasCode<AwsIamErrorCode>(cause, 'InvalidIdentityToken', 'ExpiredTokenException', 'IDPRejectedClaim')
    ? ssoRefused('refused', `What the identity provider says does not count: ${cause.message}`, cause)
    : cause
}
