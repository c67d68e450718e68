import { shown } from '../../paint.ts'
import { versions } from '../../s3/listing.ts'
import { readReference } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'
import { countText, sizeText, whenText } from '../../units.ts'

export const listVersions: CommandSpec = {
  name: 'versions',
  summary: 'Lists versions and delete markers, the newest of each object first.',
  arguments: [{ name: 'bucket/prefix', help: 'bucket, bucket/prefix or bucket/key', kind: 'object' }],
  examples: ['coffer object versions invoices/2026/report.pdf'],
  see: ['coffer object restore', 'coffer bucket versioning'],
  run: async (call) => {
    const { bucket, key: prefix } = readReference(call.argument('bucket/prefix'))
    call.doing(`list the versions of ${bucket}/${prefix}`)
    const s3 = await (await call.server()).s3()
    const { out } = call
    const sum = { versions: 0, deleteMarkers: 0, bytes: 0 }
    for await (const one of versions(s3, { bucket, prefix, signal: call.signal })) {
      if (one.isDeleteMarker) sum.deleteMarkers++
      else sum.versions++
      sum.bytes += one.size
      const { key, versionId, size, isLatest, isDeleteMarker, etag, modified } = one
      const document = { key, versionId, size, etag, isLatest, isDeleteMarker, modified: modified?.toISOString() }
      const what = isDeleteMarker ? 'deleted' : sizeText(size)
      out.item(
        document,
        () =>
          `${isLatest ? '●' : ' '} ${what.padStart(8)}  ${whenText(modified, out.nowMs).padStart(10)}  ${versionId}  ${shown(key)}`,
        versionId,
      )
    }
    out.result(sum, () =>
      out.paint.dim(
        `${countText(sum.versions, 'version')}, ${countText(sum.deleteMarkers, 'delete marker')}, ${sizeText(sum.bytes)}`,
      ),
    )
    return 'done'
  },
}
