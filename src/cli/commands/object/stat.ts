import { rootKeyName } from '../../root-key-names.ts'
import { checkOf } from '../../s3/content-check.ts'
import { readObject } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'
import { factsText } from '../../table.ts'
import { sizeText, timeText } from '../../units.ts'

export const statObject: CommandSpec = {
  name: 'stat',
  summary: 'Shows what is known of an object without reading it.',
  arguments: [{ name: 'object', help: 'bucket/key', kind: 'object' }],
  options: { 'version-id': { value: 'id', help: 'this version' } },
  examples: ['coffer object stat invoices/2026/report.pdf'],
  see: ['coffer object envelope', 'coffer object versions'],
  run: async (call) => {
    const { bucket, key } = readObject(call.argument('object'))
    call.doing(`show ${bucket}/${key}`)
    call.about(bucket)
    const server = await call.server()
    const s3 = await server.s3()
    const version = call.text('version-id')
    const head = await s3.headObject({
      Bucket: bucket,
      Key: key,
      ChecksumMode: 'ENABLED',
      ...(version === undefined ? {} : { VersionId: version }),
    })
    const check = checkOf(head, false)
    const modified = head.LastModified?.toISOString()
    const document = {
      ...{ bucket, key, size: head.ContentLength ?? 0, etag: head.ETag, modified, contentType: head.ContentType },
      ...{ versionId: head.VersionId, storageClass: head.StorageClass, encryption: head.ServerSideEncryption },
      ...{ rootKeyCrn: head.SSEKMSKeyId, metadata: head.Metadata ?? {}, parts: head.PartsCount },
      ...{
        checksum: check,
        retainUntil: head.ObjectLockRetainUntilDate?.toISOString(),
        legalHold: head.ObjectLockLegalHoldStatus === 'ON',
      },
    }
    const rootKey = head.SSEKMSKeyId === undefined ? undefined : await rootKeyName(server, head.SSEKMSKeyId)
    call.out.answer(
      document,
      () =>
        factsText(
          [
            ['object', `${bucket}/${key}`],
            ['size', `${sizeText(document.size)}  (${document.size.toLocaleString('en-US')} bytes)`],
            ['modified', timeText(modified, call.out.nowMs)],
            ['type', head.ContentType],
            ['etag', head.ETag],
            ['version', head.VersionId],
            ['class', head.StorageClass],
            ['encryption', rootKey === undefined ? 'provider-managed' : 'customer-managed'],
            ['root key', rootKey],
            [check?.algorithm ?? 'checksum', check?.digest],
            ['retained until', timeText(document.retainUntil, call.out.nowMs)],
            ['legal hold', document.legalHold ? 'yes' : undefined],
            ...Object.entries(document.metadata).map(([name, value]) => [`metadata ${name}`, value] as const),
          ],
          call.out.paint,
        ),
      [head.VersionId ?? head.ETag ?? ''],
    )
    return 'done'
  },
}
