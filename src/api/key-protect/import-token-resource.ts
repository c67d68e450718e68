import type { ImportTokenRecord } from '../../kms/import-tokens.ts'
import { wireTime } from './envelope.ts'
import type { ImportTokenAnswer } from './reply-schemas.ts'

/** Key Protect answers with it as it is, in no collection. */
export const importTokenResource = (token: ImportTokenRecord): ImportTokenAnswer => ({
  creationDate: wireTime(token.createdAt),
  expirationDate: wireTime(token.expiresAt),
  maxAllowedRetrievals: token.maxRetrievals,
  remainingRetrievals: token.remainingRetrievals,
})
