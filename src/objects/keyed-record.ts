import type { Entry, Space } from '../storage/metadata/metadata-store.ts'
import { ObjectsError } from './errors.ts'
import { keyOfVersion, SPACE, splitUploadKey } from './keyspace.ts'
import { decodeUpload, decodeVersion, isMarker } from './records.ts'
import { envelopeIdOf } from './upload-id.ts'
import type { KeyedRecord } from './usage.ts'

/** Of a row of `head`, `version` or `upload`; undefined for a delete marker, which has no key. */
export function keyedRecord(space: Space, value: Buffer): KeyedRecord | undefined {
  if (space === SPACE.upload) return decodeUpload(value)
  const record = decodeVersion(value)
  return isMarker(record) ? undefined : record
}

/** Of an object or upload: its key, and the identity of its envelope. */
export function identityOf(
  space: Space,
  row: Pick<Entry, 'key'>,
  record: KeyedRecord,
): { readonly key: string; readonly blobId: Buffer } {
  if ('blobId' in record) return { key: keyOfVersion(space, row.key), blobId: record.blobId }
  if (space !== SPACE.upload) throw new ObjectsError('ObjectDamaged', 'a record in a space of others')
  const { key, uploadId } = splitUploadKey(row.key)
  return { key, blobId: envelopeIdOf(uploadId) }
}
