import { type Logger, pino } from 'pino'

/** Fields that may carry a secret, wherever they stand: never written. */
const REDACTED = [
  'authorization',
  'headers.authorization',
  'headers["x-amz-security-token"]',
  'headers.cookie',
  'secretAccessKey',
  'apiKey',
  'apikey',
  'plaintext',
  'payload',
  'passphrase',
  '*.secretAccessKey',
  '*.apiKey',
  '*.apikey',
  '*.plaintext',
  '*.payload',
  '*.passphrase',
]

/** JSON lines on standard output. */
export const createLogger = (level: string): Logger =>
  pino({ level, redact: { paths: REDACTED, censor: '[secret]' }, base: null, timestamp: pino.stdTimeFunctions.isoTime })

export type { Logger }
