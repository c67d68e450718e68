import { openManifest } from '../../envelope/manifest.ts'
import { sealedLength } from '../../envelope/segment.ts'
import { manifestFromJson } from '../content.ts'
import { openContentKeys } from '../content-keys.ts'
import { openTags } from '../object-properties.ts'
import type { UploadRecord } from '../records.ts'
import { envelopeIdOf } from '../upload-id.ts'
import { uploadVersion } from '../uploads.ts'
import { attempt, checkBytes, checkClosedParts, checkPartRow } from './check-object.ts'
import {
  about,
  type Checked,
  type Checking,
  closedBy,
  isForged,
  KEY_DAMAGE,
  NO_CLASS,
  type Subject,
} from './checking.ts'
import type { Problem } from './finding.ts'
import { partRows } from './stored-parts.ts'

/** An upload that is neither completed nor aborted, and the parts that it has. */
export async function checkUpload(checking: Checking, subject: Subject, record: UploadRecord): Promise<Checked> {
  const { bucket, key, uploadId = '' } = subject
  const blobId = envelopeIdOf(Buffer.from(uploadId, 'hex'))
  const rows = await partRows(checking, blobId)
  const problems: Problem[] = []
  try {
    using content = await openContentKeys(checking.keys, { bucket, key, blobId }, record, undefined)
    using cipher = await checking.keys.summaryCipher(bucket)
    const identity = { bucketId: bucket.id, key, versionId: uploadVersion(blobId), blobId }
    if (!attempt(() => manifestFromJson(openManifest(content.dek, identity, record.manifest)))) {
      problems.push({ kind: 'manifest-damaged', ...about(subject), damage: 'its manifest does not authenticate' })
    }
    if (!attempt(() => openTags(cipher, bucket, key, blobId, record.properties))) {
      problems.push({ kind: 'tags-damaged', ...about(subject), damage: 'its tags do not authenticate' })
    }
    for (const [number, row] of rows) {
      if (row instanceof Error) {
        const damage = 'the row of the part cannot be read'
        problems.push({ kind: 'part-damaged', ...about(subject), part: number, damage })
        continue
      }
      problems.push(...(await checkPartRow(checking, subject, blobId, number, row, cipher)))
      const part = { number, salt: row.partSalt, sizeBytes: row.sizeBytes }
      problems.push(...(await checkBytes(checking, subject, { blobId }, content, part, row.blob)))
    }
    return { problems }
  } catch (error) {
    const closed = closedBy(error)
    if (closed === undefined && !isForged(error)) throw error
    if (closed === NO_CLASS) return { problems, closed }
    if (closed === undefined) problems.push({ kind: 'key-damaged', ...about(subject), damage: KEY_DAMAGE })
    const twice = record.sealing.outerKey !== undefined
    const layered = (bytes: number): number => (twice ? sealedLength(sealedLength(bytes)) : sealedLength(bytes))
    problems.push(...(await checkClosedParts(checking, subject, blobId, rows, layered)))
    return closed === undefined ? { problems } : { problems, closed }
  }
}
