import { randomBytes, randomInt } from 'node:crypto'

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const BASE62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Letters and digits only: nothing that a shell, a URL or an option parser would take for its own. */
const randomText = (alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')

/** 20 characters. An id, not a secret. */
export const newAccessKeyId = (): string => `CFR${randomText(BASE32, 17)}`

/** 20 characters, told apart from the others at a glance. */
export const newTemporaryAccessKeyId = (): string => `CFT${randomText(BASE32, 17)}`

/** 40 characters, 238 random bits. */
export const newSecretAccessKey = (): string => randomText(BASE62, 40)

const AWS_ID_PREFIX = { user: 'AIDA', group: 'AGPA', role: 'AROA' } as const

/** 21 characters. An id, not a secret. */
export const newAwsId = (kind: keyof typeof AWS_ID_PREFIX): string => `${AWS_ID_PREFIX[kind]}${randomText(BASE32, 17)}`

/** 21 characters. An id, not a secret. */
export const newAwsPolicyId = (): string => `ANPA${randomText(BASE32, 17)}`

/** 21 characters. An id, not a secret. */
export const newOidcProviderId = (): string => `OIDC${randomText(BASE32, 17)}`

/** 44 characters, 261 random bits. */
export const newApiKeyText = (): string => randomText(BASE62, 44)

/** `IBMid-` and 10 letters or digits. An id, not a secret. */
export const newUserIamId = (): string => `IBMid-${randomText(BASE32, 10)}`

/** As object storage at IBM makes them: 48 hex digits, 192 random bits. */
export const newServiceSecretAccessKey = (): string => randomBytes(24).toString('hex')
