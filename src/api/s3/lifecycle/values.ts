import { S3Error } from '../error-codes.ts'

export const malformed = (): S3Error => new S3Error('MalformedXML')
export const invalid = (message: string): S3Error => new S3Error('InvalidArgument', message)

const MAX_INTEGER = 2 ** 31 - 1

/** Throws MalformedXML for what is no number. Days and counts are 32-bit integers in S3. */
export function wholeNumber(text: string | undefined, max = MAX_INTEGER): number {
  if (text === undefined || !/^-?\d{1,18}$/.test(text.trim())) throw malformed()
  const value = Number(text)
  if (value > max) throw malformed()
  return value
}

/** Throws InvalidArgument with the message for less. */
export function atLeast(least: number, text: string | undefined, message: string): number {
  const value = wholeNumber(text)
  if (value < least) throw invalid(message)
  return value
}

const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/
const CALENDAR_DAY_MS = 86_400_000

/** An ISO 8601 date, which S3 takes only at midnight UTC. Milliseconds since 1970. */
export function midnight(text: string): number {
  const zoned = /T.*(Z|[+-]\d{2}:?\d{2})$/.test(text) || !text.includes('T') ? text : `${text}Z`
  const dateMs = ISO.test(text) ? Date.parse(zoned) : Number.NaN
  // The engine makes 3 March of 31 February.
  const [year, month, day] = text.slice(0, 10).split('-').map(Number)
  if (Number.isNaN(dateMs) || new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day)).getUTCDate() !== day) {
    throw malformed()
  }
  if (dateMs % CALENDAR_DAY_MS !== 0) throw invalid("'Date' must be at midnight GMT")
  return dateMs
}
