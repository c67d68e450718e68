import { hash } from 'node:crypto'
import { canonicalJson } from './canonical-json.ts'

const LABEL = 'OEF1/ec\0'

/** What a request calls its encryption context, as one short part of a wrap context: 43 characters of base64url. */
export const encryptionContextDigest = (context: Readonly<Record<string, string>>): string =>
  hash('sha256', LABEL + canonicalJson(context), 'base64url')
