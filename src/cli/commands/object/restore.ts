import { notFound } from '../../failure.ts'
import { inShell } from '../../in-shell.ts'
import { copyObject } from '../../s3/copy.ts'
import { versions } from '../../s3/listing.ts'
import { readObject } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'

export const restoreObject: CommandSpec = {
  name: 'restore',
  summary: 'Brings back an object that was deleted, or an older version of it.',
  about:
    'Without --version-id the delete marker goes, and what was there is there again; with it a copy of that version becomes the newest.',
  arguments: [{ name: 'object', help: 'bucket/key', kind: 'object' }],
  options: { 'version-id': { value: 'id', help: 'the version that is to count' } },
  examples: ['coffer object restore invoices/2026/deleted.txt'],
  see: ['coffer object versions'],
  run: async (call) => {
    const { bucket, key } = readObject(call.argument('object'))
    call.doing(`restore ${bucket}/${key}`)
    call.about(bucket)
    const s3 = await (await call.server()).s3()
    const versionId = call.text('version-id')
    if (versionId !== undefined) {
      const copied = await copyObject(s3, { bucket, key, versionId }, { bucket, key }, call.signal)
      call.out.answer(
        { bucket, key, restored: versionId, ...copied },
        () => `✓ ${bucket}/${key} is again what ${versionId} was`,
        [copied.versionId ?? ''],
      )
      return 'done'
    }
    for await (const one of versions(s3, { bucket, prefix: key, signal: call.signal })) {
      if (one.key !== key || !one.isLatest) continue
      if (!one.isDeleteMarker)
        throw notFound(
          'NotDeleted',
          'it is there; to go back to an older one, name it',
          `coffer object versions ${inShell(`${bucket}/${key}`)}`,
        )
      await s3.deleteObject({ Bucket: bucket, Key: key, VersionId: one.versionId })
      call.out.answer({ bucket, key, removedMarker: one.versionId }, () => `✓ ${bucket}/${key} is there again`, [key])
      return 'done'
    }
    throw notFound('NoSuchKey', 'there is no version of it')
  },
}
