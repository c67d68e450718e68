import { ibmLocation, isIbmLocation } from '../common/root-key-use.ts'
import { S3Error } from './error-codes.ts'

/** AWS: `eu-west-1` and its like, or the ancient `EU`. */
const AWS = /^([a-z]{2}(-[a-z]+)+-\d|EU)$/

/** One store is one place: any location that a client may name is taken and given back; nonsense is refused. */
export function checkLocation(constraint: string, region: string): void {
  const known = isIbmLocation(ibmLocation(constraint)) || AWS.test(constraint)
  if (constraint === '' || constraint === region || known) return
  throw new S3Error('InvalidLocationConstraint', undefined, { extra: { LocationConstraint: constraint } })
}
