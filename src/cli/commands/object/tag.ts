import { readObject } from '../../s3/references.ts'
import { pairsOf } from '../../s3/send-options.ts'
import type { CommandSpec } from '../../spec.ts'
import { factsText } from '../../table.ts'

export const tagObject: CommandSpec = {
  name: 'tag',
  summary: 'Shows the tags of an object, or sets them in place of those that it has.',
  arguments: [
    { name: 'object', help: 'bucket/key', kind: 'object' },
    { name: 'name=value', help: 'tags', optional: true, many: true },
  ],
  options: { clear: { help: 'no tags' } },
  examples: [
    'coffer object tag invoices/2026/report.pdf kind=report year=2026',
    'coffer object tag invoices/2026/report.pdf',
  ],
  run: async (call) => {
    const { bucket, key } = readObject(call.argument('object'))
    call.doing(`tag ${bucket}/${key}`)
    call.about(bucket)
    const s3 = await (await call.server()).s3()
    const object = { Bucket: bucket, Key: key }
    const wanted = Object.entries(pairsOf('tag', call.arguments('name=value')))
    if (call.flag('clear')) await s3.deleteObjectTagging(object)
    else if (wanted.length > 0) {
      await s3.putObjectTagging({ ...object, Tagging: { TagSet: wanted.map(([Key, Value]) => ({ Key, Value })) } })
    }
    const { TagSet: found = [] } = await s3.getObjectTagging(object)
    const tags = Object.fromEntries(found.map(({ Key = '', Value = '' }) => [Key, Value]))
    call.out.answer(
      { bucket, key, tags },
      () => factsText(Object.entries(tags), call.out.paint) || 'no tags',
      Object.entries(tags).map(([name, value]) => `${name}=${value}`),
    )
    return 'done'
  },
}
