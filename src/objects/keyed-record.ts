import type { Space } from '../storage/metadata/metadata-store.ts'
import { SPACE } from './keyspace.ts'
import { decodeUpload, decodeVersion, isMarker } from './records.ts'
import type { KeyedRecord } from './usage.ts'

/** Of a row of `head`, `version` or `upload`; undefined for a delete marker, which has no key. */
export function keyedRecord(space: Space, value: Buffer): KeyedRecord | undefined {
  if (space === SPACE.upload) return decodeUpload(value)
  const record = decodeVersion(value)
  return isMarker(record) ? undefined : record
}
