import type { BlobId } from '../storage/blob/blob-store.ts'
import type { ManifestPart } from './content.ts'
import type { Engine } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { partKey, SPACE } from './keyspace.ts'
import { decodePart, type ObjectRecord } from './records.ts'

/** Where the bytes of a part lie. */
export async function blobOfPart(
  engine: Pick<Engine, 'metadata'>,
  record: ObjectRecord,
  part: Pick<ManifestPart, 'number'>,
): Promise<BlobId> {
  if ('blob' in record.data) return record.data.blob
  const row = await engine.metadata.get(SPACE.part, partKey(record.blobId, part.number))
  if (!row) throw new ObjectsError('ObjectDamaged', 'the row of a part is missing', { details: { part: part.number } })
  return decodePart(row.value).blob
}
