import { z } from 'zod'
import type { Clock } from '../base/clock.ts'
import { decodeBase64url } from '../base/decode.ts'
import { CodedError } from '../base/errors.ts'
import { openSmall, SMALL_KIND, sealSmall } from '../envelope/small-envelope.ts'
import type { IamErrorCode } from './errors.ts'

/** What a refresh token stands for: nothing of its own, only the API key of one user that got it. */
export interface RefreshTokenSubject {
  readonly apiKeyId: string
  readonly uid: string
}

/** Sealed, so that it says nothing to who holds it, and kept nowhere: it ends with its API key. */
export interface RefreshTokens {
  readonly issue: (subject: RefreshTokenSubject) => string
  /** Throws RefreshTokenInvalid, RefreshTokenExpired. */
  readonly open: (refreshToken: string) => RefreshTokenSubject
}

const MAX_LENGTH = 1024
const KEY_REF = Buffer.from('coffer-refresh-1', 'latin1')
const schema = z.strictObject({ apiKeyId: z.string(), uid: z.string(), expiresAtMs: z.number() })

export interface RefreshTokensOptions {
  /** 32 bytes. */
  readonly tokenKey: Buffer
  readonly clock: Clock
  readonly lifeMs: number
}

export function createRefreshTokens({ tokenKey, clock, lifeMs }: RefreshTokensOptions): RefreshTokens {
  const sealing = { kind: SMALL_KIND.iamSecret, key: tokenKey, context: ['iam', 'refresh-token'] } as const
  const contentOf = (refreshToken: string): z.output<typeof schema> => {
    const sealed = decodeBase64url(refreshToken)
    if (sealed === undefined) throw refreshTokenInvalid()
    try {
      return schema.parse(JSON.parse(openSmall(sealing, sealed).toString('utf8')))
    } catch {
      throw refreshTokenInvalid()
    }
  }
  return {
    issue: ({ apiKeyId, uid }) => {
      const content = JSON.stringify({ apiKeyId, uid, expiresAtMs: clock.now() + lifeMs })
      return sealSmall({ ...sealing, keyRef: KEY_REF }, Buffer.from(content, 'utf8')).toString('base64url')
    },
    open: (refreshToken) => {
      if (refreshToken.length > MAX_LENGTH) throw refreshTokenInvalid()
      const { expiresAtMs, ...subject } = contentOf(refreshToken)
      if (expiresAtMs <= clock.now()) {
        throw new CodedError<IamErrorCode>('RefreshTokenExpired', 'the refresh token has expired')
      }
      return subject
    },
  }
}

export const refreshTokenInvalid = (): CodedError<IamErrorCode> =>
  new CodedError('RefreshTokenInvalid', 'the refresh token is not valid')
