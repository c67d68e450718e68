import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { Clock } from '../base/clock.ts'
import { decodeBase64url } from '../base/decode.ts'
import { CodedError } from '../base/errors.ts'
import { newUuid } from '../base/ids.ts'
import { findApiKey, userOfApiKey } from './api-keys.ts'
import { decide } from './decide.ts'
import type { IamErrorCode } from './errors.ts'
import { findInstance, type Instance } from './instances.ts'
import { userKey } from './keyspace.ts'
import type { Principal, ServicePrincipal, UserPrincipal } from './principal.ts'
import type { StoredApiKey, StoredUser } from './records.ts'
import { type RefreshTokens, refreshTokenInvalid } from './refresh-tokens.ts'
import type { SigningKeys } from './signing-keys.ts'
import type { IamState } from './state.ts'
import { SYSTEM_ACCOUNT_ID } from './system.ts'
import { isActive, isServiceId, userPrincipal } from './users.ts'
import { createVerifiedTokens } from './verified-tokens.ts'

export interface IssuedToken {
  readonly accessToken: string
  readonly issuedAtSeconds: number
  readonly expiresAtSeconds: number
}

export interface RefreshableToken extends IssuedToken {
  readonly refreshToken: string
}

export interface Tokens {
  /** Throws ApiKeyNotFound. */
  readonly issueForApiKey: (apiKey: string) => Promise<RefreshableToken>
  /** What `issueForApiKey` gave, as long as its API key is good. Throws RefreshTokenInvalid, RefreshTokenExpired. */
  readonly issueForRefreshToken: (refreshToken: string) => Promise<RefreshableToken>
  /** At most 30 min, `sub_type: CRN`. Throws NotPermitted, also for an instance that does not exist. `callerToken`: of a user. */
  readonly issueForService: (callerToken: string, instanceCrn: string) => Promise<IssuedToken>
  /** Throws InvalidToken or ExpiredToken. */
  readonly verify: (jwt: string) => Promise<Principal>
}

const SERVICE_TOKEN_LIFE_MS = 1_800_000
const MAX_TOKEN_LENGTH = 8192
const ALGORITHM = 'RS256'

/**
 * `uid` tells a user from a later one of the same name. `apikey` is the id of the API key that got the token, which
 * ends with it; tokens that an older version signed have none.
 */
const subject = z.object({
  iam_id: z.string(),
  uid: z.uuid(),
  account: z.object({ bss: z.string() }),
  apikey: z.string().optional(),
})
const userClaims = subject
/** A service token counts as long as the user who asked for it could ask for it again. */
const serviceClaims = z.object({ iam_id: z.string().startsWith('crn-'), act: subject })

type Subject = z.output<typeof subject>

/** Who a token says it is of: all that is read of it. Whether they may still is looked up each time. */
type Claims =
  | { readonly type: 'user'; readonly subject: Subject }
  | { readonly type: 'service'; readonly iamId: string; readonly act: Subject }

function readClaims(payload: JWTPayload): Claims {
  const service = serviceClaims.safeParse(payload)
  if (service.success) return { type: 'service', iamId: service.data.iam_id, act: service.data.act }
  const user = userClaims.safeParse(payload)
  if (!user.success) throw invalidToken()
  return { type: 'user', subject: user.data }
}

export interface TokenOptions {
  readonly state: IamState
  readonly keys: SigningKeys
  readonly refreshTokens: RefreshTokens
  readonly clock: Clock
  readonly issuer: string
  readonly tokenLifeMs: number
}

export function createTokens({ state, keys, refreshTokens, clock, issuer, tokenLifeMs }: TokenOptions): Tokens {
  const sign = async (claims: JWTPayload, lifeMs: number): Promise<IssuedToken> => {
    const { kid, privateKey } = keys.current()
    const issuedAtSeconds = Math.floor(clock.now() / 1000)
    const expiresAtSeconds = issuedAtSeconds + Math.floor(lifeMs / 1000)
    const times = { jti: newUuid(), iat: issuedAtSeconds, exp: expiresAtSeconds, iss: issuer }
    const jwt = new SignJWT({ ...claims, ...times }).setProtectedHeader({ alg: ALGORITHM, kid, typ: 'JWT' })
    return { accessToken: await jwt.sign(privateKey), issuedAtSeconds, expiresAtSeconds }
  }

  const signFor = async (user: StoredUser, apiKey: StoredApiKey): Promise<RefreshableToken> => {
    const issued = await sign(userTokenClaims(user, apiKey.id), tokenLifeMs)
    return { ...issued, refreshToken: refreshTokens.issue({ apiKeyId: apiKey.id, uid: user.uid }) }
  }

  const keyOf = async ({ kid = '' }: { readonly kid?: string }) => {
    const key = keys.publicKey(kid)
    if (!key) throw invalidToken()
    return key
  }

  const verified = createVerifiedTokens<Claims>()

  const claimsOf = async (jwt: string): Promise<Claims> => {
    const known = verified.get(jwt)
    if (!known) return newClaimsOf(jwt)
    const isOver = known.expiresAtSeconds <= Math.floor(clock.now() / 1000)
    if (!isOver && keys.publicKey(known.kid)) return known.claims
    verified.remove(jwt)
    throw isOver ? expiredToken() : invalidToken()
  }

  const newClaimsOf = async (jwt: string): Promise<Claims> => {
    if (jwt.length > MAX_TOKEN_LENGTH || !isCanonical(jwt)) throw invalidToken()
    try {
      // RS256 and our key ids, nothing else: never what the token itself says about its algorithm or its key.
      const options = {
        algorithms: [ALGORITHM],
        issuer,
        currentDate: new Date(clock.now()),
        requiredClaims: ['iat', 'exp', 'iam_id'],
      }
      const { payload, protectedHeader } = await jwtVerify(jwt, keyOf, options)
      const claims = readClaims(payload)
      const { kid = '' } = protectedHeader
      // What counts from a later time on is looked at each time.
      if (payload.nbf === undefined) verified.add(jwt, { claims, kid, expiresAtSeconds: payload.exp ?? 0 })
      return claims
    } catch (error) {
      throw error instanceof errors.JWTExpired ? expiredToken() : invalidToken()
    }
  }

  /** Looked up every time: what was deleted, disabled or has expired since ends its tokens. */
  const userOf = ({ iam_id, uid, account, apikey }: Subject): StoredUser => {
    const user = state.users.get(userKey({ accountId: account.bss, iamId: iam_id }))
    if (user?.uid !== uid || !isActive(user)) throw invalidToken()
    if (apikey === undefined) return user
    const row = state.apiKeysById.get(apikey)
    if (!row || userOfApiKey(state, row, clock.now()) !== user) throw invalidToken()
    return user
  }

  const serviceFor = (caller: UserPrincipal, instanceCrn: string): Instance => {
    const instance = findInstance(state, instanceCrn)
    const target = instance && { service: instance.service, accountId: instance.accountId, instance: instance.guid }
    const permitted = target && decide(state, caller, 'iam.service-token.create', target).allowed
    if (!instance || !permitted)
      throw new CodedError<IamErrorCode>('NotPermitted', 'no such instance, or no right to act for it')
    return instance
  }

  return {
    issueForApiKey: async (apiKey) => {
      const row = findApiKey(state, apiKey)
      const user = row && userOfApiKey(state, row, clock.now())
      if (!user) throw new CodedError<IamErrorCode>('ApiKeyNotFound', 'the API key could not be found')
      return signFor(user, row)
    },
    issueForRefreshToken: async (refreshToken) => {
      const { apiKeyId, uid } = refreshTokens.open(refreshToken)
      const row = state.apiKeysById.get(apiKeyId)
      const user = row && userOfApiKey(state, row, clock.now())
      if (user?.uid !== uid || !row) throw refreshTokenInvalid()
      return signFor(user, row)
    },
    issueForService: async (callerToken, instanceCrn) => {
      const claims = await claimsOf(callerToken)
      if (claims.type !== 'user') throw invalidToken()
      const instance = serviceFor(userPrincipal(userOf(claims.subject)), instanceCrn)
      return sign(serviceTokenClaims(instance, claims.subject), Math.min(SERVICE_TOKEN_LIFE_MS, tokenLifeMs))
    },
    verify: async (jwt) => {
      const claims = await claimsOf(jwt)
      if (claims.type === 'user') return userPrincipal(userOf(claims.subject))
      return servicePrincipal(serviceFor(userPrincipal(userOf(claims.act)), claims.iamId.slice('crn-'.length)))
    },
  }
}

const expiredToken = (): CodedError<IamErrorCode> => new CodedError('ExpiredToken', 'the token has expired')

/** One token has one text: jose reads base64url leniently. */
const isCanonical = (jwt: string): boolean => jwt.split('.').every((part) => decodeBase64url(part) !== undefined)

const invalidToken = (): CodedError<IamErrorCode> => new CodedError('InvalidToken', 'the token is not valid')

export function servicePrincipal({ crn, service, guid, accountId }: Instance): ServicePrincipal {
  return { type: 'service', iamId: `crn-${crn}`, accountId, serviceName: service, serviceInstance: guid }
}

/** Throws UnknownInstance. */
export function servicePrincipalOf(state: IamState, instanceCrn: string): ServicePrincipal {
  const instance = findInstance(state, instanceCrn)
  if (!instance || instance.accountId === SYSTEM_ACCOUNT_ID) {
    throw new CodedError<IamErrorCode>('UnknownInstance', `there is no instance ${instanceCrn}`)
  }
  return servicePrincipal(instance)
}

function userTokenClaims({ iamId, accountId, uid, name, email }: StoredUser, apiKeyId: string): JWTPayload {
  const forServiceId = isServiceId({ iamId })
  const realmid = forServiceId ? 'iam' : 'IBMid'
  const identifier = iamId.replace(/^(IBMid|iam)-/, '')
  const sub = forServiceId || email === '' ? iamId : email
  return {
    iam_id: iamId,
    id: iamId,
    realmid,
    identifier,
    uid,
    apikey: apiKeyId,
    name,
    ...(forServiceId ? { sub_type: 'ServiceId' } : { email }),
    sub,
    authn: { sub, iam_id: iamId, name },
    account: { valid: true, bss: accountId },
    grant_type: 'urn:ibm:params:oauth:grant-type:apikey',
    scope: 'ibm openid',
    client_id: 'default',
    acr: 1,
    amr: ['pwd'],
  }
}

function serviceTokenClaims({ crn, accountId }: Instance, { iam_id, uid, account, apikey }: Subject): JWTPayload {
  return {
    iam_id: `crn-${crn}`,
    id: `crn-${crn}`,
    realmid: 'crn',
    identifier: crn,
    sub: crn,
    sub_type: 'CRN',
    account: { valid: true, bss: accountId },
    act: { iam_id, uid, account: { bss: account.bss }, ...(apikey === undefined ? {} : { apikey }) },
    grant_type: 'urn:ibm:params:oauth:grant-type:iam-authz',
    scope: 'ibm openid',
    client_id: 'default',
    acr: 1,
    amr: ['pwd'],
  }
}
