import { errors, type JSONWebKeySet, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { Clock } from '../base/clock.ts'
import { CodedError } from '../base/errors.ts'
import { newUuid } from '../base/ids.ts'
import { userOfApiKey } from './api-keys.ts'
import { decide } from './decide.ts'
import type { IamErrorCode } from './errors.ts'
import { findInstance, type Instance } from './instances.ts'
import { userKey } from './keyspace.ts'
import type { Principal, ServicePrincipal, UserPrincipal } from './principal.ts'
import type { StoredUser } from './records.ts'
import type { SigningKey } from './signing-key.ts'
import type { IamState } from './state.ts'
import { SYSTEM_ACCOUNT_ID } from './system.ts'
import { userPrincipal } from './users.ts'

export interface IssuedToken {
  readonly accessToken: string
  readonly issuedAtSeconds: number
  readonly expiresAtSeconds: number
}

export interface Tokens {
  /** 1 h. Throws ApiKeyNotFound. */
  readonly issueForApiKey: (apiKey: string) => Promise<IssuedToken>
  /** 30 min, `sub_type: CRN`. Throws NotPermitted, also for an instance that does not exist. `callerToken`: of a user. */
  readonly issueForService: (callerToken: string, instanceCrn: string) => Promise<IssuedToken>
  /** Throws InvalidToken or ExpiredToken. */
  readonly verify: (jwt: string) => Promise<Principal>
  /** Public keys, as `/identity/keys` shows them. */
  readonly jwks: () => JSONWebKeySet
}

const USER_TOKEN_LIFE_SECONDS = 3600
const SERVICE_TOKEN_LIFE_SECONDS = 1800
const MAX_TOKEN_LENGTH = 8192
const ALGORITHM = 'RS256'

/** `uid` tells a user from a later one of the same name. */
const subject = z.object({ iam_id: z.string(), uid: z.uuid(), account: z.object({ bss: z.string() }) })
const userClaims = subject
/** A service token counts as long as the user who asked for it could ask for it again. */
const serviceClaims = z.object({ iam_id: z.string().startsWith('crn-'), act: subject })

type Subject = z.output<typeof subject>

export interface TokenOptions {
  readonly state: IamState
  readonly key: SigningKey
  readonly clock: Clock
  readonly issuer: string
}

export function createTokens({ state, key, clock, issuer }: TokenOptions): Tokens {
  const sign = async (claims: JWTPayload, lifeSeconds: number): Promise<IssuedToken> => {
    const issuedAtSeconds = Math.floor(clock.now() / 1000)
    const expiresAtSeconds = issuedAtSeconds + lifeSeconds
    const times = { jti: newUuid(), iat: issuedAtSeconds, exp: expiresAtSeconds, iss: issuer }
    const jwt = new SignJWT({ ...claims, ...times }).setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: 'JWT' })
    return { accessToken: await jwt.sign(key.privateKey), issuedAtSeconds, expiresAtSeconds }
  }

  const keyOf = async ({ kid }: { readonly kid?: string }) => {
    if (kid !== key.kid) throw invalidToken()
    return key.publicKey
  }

  const claimsOf = async (jwt: string): Promise<JWTPayload> => {
    if (jwt.length > MAX_TOKEN_LENGTH) throw invalidToken()
    try {
      // RS256 and our key ids, nothing else: never what the token itself says about its algorithm or its key.
      const options = {
        algorithms: [ALGORITHM],
        issuer,
        currentDate: new Date(clock.now()),
        requiredClaims: ['iat', 'exp', 'iam_id'],
      }
      const { payload } = await jwtVerify(jwt, keyOf, options)
      return payload
    } catch (error) {
      if (error instanceof errors.JWTExpired)
        throw new CodedError<IamErrorCode>('ExpiredToken', 'the token has expired')
      throw invalidToken()
    }
  }

  const userOf = ({ iam_id, uid, account }: Subject): StoredUser => {
    const user = state.users.get(userKey({ accountId: account.bss, iamId: iam_id }))
    if (user?.uid !== uid) throw invalidToken()
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
      const user = userOfApiKey(state, apiKey)
      if (!user) throw new CodedError<IamErrorCode>('ApiKeyNotFound', 'the API key could not be found')
      return sign(userTokenClaims(user), USER_TOKEN_LIFE_SECONDS)
    },
    issueForService: async (callerToken, instanceCrn) => {
      const claims = userClaims.safeParse(await claimsOf(callerToken))
      if (!claims.success) throw invalidToken()
      const instance = serviceFor(userPrincipal(userOf(claims.data)), instanceCrn)
      return sign(serviceTokenClaims(instance, claims.data), SERVICE_TOKEN_LIFE_SECONDS)
    },
    verify: async (jwt) => {
      const payload = await claimsOf(jwt)
      const service = serviceClaims.safeParse(payload)
      if (service.success) {
        const caller = userPrincipal(userOf(service.data.act))
        return servicePrincipal(serviceFor(caller, service.data.iam_id.slice('crn-'.length)))
      }
      const user = userClaims.safeParse(payload)
      if (!user.success) throw invalidToken()
      return userPrincipal(userOf(user.data))
    },
    jwks: () => ({ keys: [key.publicJwk] }),
  }
}

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

function userTokenClaims({ iamId, accountId, uid, name, email }: StoredUser): JWTPayload {
  const isServiceId = iamId.startsWith('iam-ServiceId-')
  const realmid = isServiceId ? 'iam' : 'IBMid'
  const identifier = iamId.replace(/^(IBMid|iam)-/, '')
  const sub = isServiceId || email === '' ? iamId : email
  return {
    iam_id: iamId,
    id: iamId,
    realmid,
    identifier,
    uid,
    name,
    ...(isServiceId ? { sub_type: 'ServiceId' } : { email }),
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

function serviceTokenClaims({ crn, accountId }: Instance, { iam_id, uid, account }: Subject): JWTPayload {
  return {
    iam_id: `crn-${crn}`,
    id: `crn-${crn}`,
    realmid: 'crn',
    identifier: crn,
    sub: crn,
    sub_type: 'CRN',
    account: { valid: true, bss: accountId },
    act: { iam_id, uid, account: { bss: account.bss } },
    grant_type: 'urn:ibm:params:oauth:grant-type:iam-authz',
    scope: 'ibm openid',
    client_id: 'default',
    acr: 1,
    amr: ['pwd'],
  }
}
