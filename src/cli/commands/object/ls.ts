import { shown } from '../../paint.ts'
import { entries } from '../../s3/listing.ts'
import { readReference } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'
import { countText, sizeText, whenText } from '../../units.ts'

export const listObjects: CommandSpec = {
  name: 'ls',
  summary: 'Lists objects, folder by folder.',
  arguments: [{ name: 'bucket/prefix', help: 'bucket, or bucket/prefix', kind: 'object' }],
  options: { recursive: { help: 'all objects below, not only those of this folder' } },
  examples: ['coffer object ls invoices', 'coffer object ls invoices/2026/ --recursive --json'],
  see: ['coffer object versions', 'coffer object stat'],
  run: async (call) => {
    const { bucket, key: prefix } = readReference(call.argument('bucket/prefix'))
    call.doing(`list ${bucket}/${prefix}`)
    call.about(bucket)
    const s3 = await (await call.server()).s3()
    const sum = { objects: 0, bytes: 0 }
    const { out } = call
    for await (const entry of entries(s3, { bucket, prefix, shallow: !call.flag('recursive'), signal: call.signal })) {
      if (entry.type === 'prefix') {
        out.item({ prefix: entry.prefix }, () => `${line('', '')}${shown(entry.prefix)}`, `${bucket}/${entry.prefix}`)
        continue
      }
      const { key, size, etag, modified, storageClass } = entry.object
      sum.objects++
      sum.bytes += size
      const document = { key, size, etag, modified: modified?.toISOString(), storageClass }
      out.item(
        document,
        () => `${line(sizeText(size), whenText(modified, out.nowMs))}${shown(key)}`,
        `${bucket}/${key}`,
      )
    }
    out.result(sum, () => out.paint.dim(`${countText(sum.objects, 'object')}, ${sizeText(sum.bytes)}`))
    return 'done'
  },
}

const line = (size: string, when: string): string => `${size.padStart(8)}  ${when.padStart(10)}  `
