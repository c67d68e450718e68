import { CodedError } from '../../base/errors.ts'
import type { BucketConfiguration } from '../../objects/bucket-configuration.ts'
import type { Bucket } from '../../objects/buckets.ts'
import type { ApiRequest } from '../common/request.ts'
import type { ConfigErrorCode } from './errors.ts'

/** Of what can be set, not of what is counted; a later bucket of the same name never has it again. */
export const etagOf = ({ id }: Pick<Bucket, 'id'>, { revision }: BucketConfiguration): string => `"${id}-${revision}"`

/** Throws ConfigurationChanged. */
export function checkIfMatch(request: ApiRequest, etag: string): void {
  const wanted = request.header('if-match')?.trim()
  if (wanted === undefined || wanted === '*') return
  // Clients give it back as they got it, or as the text in it.
  if (wanted === etag || `"${wanted}"` === etag) return
  throw new CodedError<ConfigErrorCode>(
    'ConfigurationChanged',
    'The configuration of the bucket has changed: if-match is not its ETag.',
  )
}
