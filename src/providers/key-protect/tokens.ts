import { LRUCache } from 'lru-cache'
import { parseCrn } from '../../base/crn.ts'
import { hasCode } from '../../base/errors.ts'
import type { Secret } from '../../base/secret.ts'
import type { KeyProviderErrorCode } from '../../envelope/key-provider.ts'
import { failure } from '../common/failure.ts'
import type { HttpReply } from '../common/http-exchange.ts'
import { identityErrorCode, readReply, tokenReply } from './replies.ts'

/** Tokens by which the store acts as the identity of an object storage instance. */
export interface ServiceTokens {
  /** From memory where there is a good one. Throws KeyAccessDenied or KeyProviderUnavailable. */
  readonly get: (serviceInstanceCrn: string, about: TokenCall) => Promise<string>
  /** After the key service refused `token`: another one, or undefined when this one was so new that it must be good. */
  readonly afterRefusal: (serviceInstanceCrn: string, token: string, about: TokenCall) => Promise<string | undefined>
}

export interface TokenCall {
  readonly correlationId: string
  /** Of `performance.now()`. */
  readonly deadlineMs: number
}

/** `POST /identity/token`; the fields become the form. */
export type PostToken = (fields: Readonly<Record<string, string>>, about: TokenCall) => Promise<HttpReply>

interface Token {
  readonly text: string
  readonly askedAtMs: number
  readonly renewAtMs: number
  readonly expiresAtMs: number
}

interface Held {
  token: Token | undefined
  asking: Promise<Token> | undefined
}

const GRANT = 'urn:ibm:params:oauth:grant-type:'
const MAX_INSTANCES = 10_000
/** Of its life; then another is asked for beside the calls that go on with it. */
const RENEW_AT = 0.7
/** Not used any more so shortly before it ends. */
const MARGIN_MS = 5_000
/** A token younger than this is not renewed when it is refused: the refusal is meant. */
const NEW_MS = 5_000

export function serviceTokens(
  post: PostToken,
  apiKeyOf: (account: string) => Secret | undefined,
  now = () => performance.now(),
): ServiceTokens {
  /** Of the user or service ID, by API key; and of the instances that it acts for. */
  const held = new LRUCache<string, Held>({ max: MAX_INSTANCES })
  const heldFor = (name: string): Held => {
    const known = held.get(name)
    if (known) return known
    const fresh: Held = { token: undefined, asking: undefined }
    held.set(name, fresh)
    return fresh
  }

  const issued = async (fields: Readonly<Record<string, string>>, about: TokenCall): Promise<Token> => {
    // By our own clock from the moment of asking: the service's clock may differ from it.
    const askedAtMs = now()
    const reply = await post({ response_type: 'cloud_iam', ...fields }, about)
    if (reply.status !== 200) throw refusalOf(reply)
    const { access_token: text, expires_in: seconds } = readReply(tokenReply, reply)
    const lifeMs = Math.max(0, seconds * 1000 - MARGIN_MS)
    return { text, askedAtMs, renewAtMs: askedAtMs + lifeMs * RENEW_AT, expiresAtMs: askedAtMs + lifeMs }
  }

  /** One request at a time for a token, whoever waits for it. */
  const renew = (of: Held, ask: () => Promise<Token>): Promise<Token> => {
    of.asking ??= ask()
      .then((token) => {
        of.token = token
        return token
      })
      .finally(() => {
        of.asking = undefined
      })
    return of.asking
  }

  const current = async (of: Held, ask: () => Promise<Token>): Promise<Token> => {
    const { token } = of
    if (token === undefined || now() >= token.expiresAtMs) return renew(of, ask)
    if (now() >= token.renewAtMs) renew(of, ask).catch(() => {})
    return token
  }

  const askOwn = (apiKey: Secret, about: TokenCall) => () =>
    issued({ grant_type: `${GRANT}apikey`, apikey: apiKey.reveal() }, about)

  const askService = (serviceInstanceCrn: string, about: TokenCall) => async (): Promise<Token> => {
    const { account } = parseCrn(serviceInstanceCrn)
    const apiKey = apiKeyOf(account)
    if (apiKey === undefined) throw failure('KeyAccessDenied', new Error(`no API key for account ${account}`))
    const desired = { grant_type: `${GRANT}iam-authz`, desired_iam_id: `crn-${serviceInstanceCrn}` }
    const own = heldFor(account)
    const mine = await current(own, askOwn(apiKey, about))
    try {
      return await issued({ ...desired, access_token: mine.text }, about)
    } catch (error) {
      // The service may have new signing keys, or have forgotten the user's token with a restore.
      const refused = hasCode<KeyProviderErrorCode>(error, 'KeyAccessDenied')
      if (!refused || now() - mine.askedAtMs < NEW_MS) throw error
      const another = await renew(own, askOwn(apiKey, about))
      return issued({ ...desired, access_token: another.text }, about)
    }
  }

  return {
    get: async (crn, about) => (await current(heldFor(crn), askService(crn, about))).text,
    afterRefusal: async (crn, refused, about) => {
      const of = heldFor(crn)
      const { token } = of
      if (token && token.text !== refused) return token.text
      if (token && now() - token.askedAtMs < NEW_MS) return undefined
      return (await renew(of, askService(crn, about))).text
    },
  }
}

/** Whether this identity may act for the instance is the service's answer; anything else is no answer of a token service. */
function refusalOf(reply: HttpReply) {
  const { status } = reply
  const cause = new Error(`the token service answered ${status} ${identityErrorCode(reply)}`.trimEnd())
  const refused = status === 401 || status === 403 || (status === 400 && identityErrorCode(reply) !== '')
  return failure(refused ? 'KeyAccessDenied' : 'KeyProviderUnavailable', cause)
}
