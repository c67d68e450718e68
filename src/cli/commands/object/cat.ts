import { once } from 'node:events'
import { contentOf } from '../../s3/download.ts'
import { readObject } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'

export const catObject: CommandSpec = {
  name: 'cat',
  summary: 'Writes the content of an object to standard output.',
  arguments: [{ name: 'object', help: 'bucket/key', kind: 'object' }],
  options: {
    'version-id': { value: 'id', help: 'this version' },
    range: { value: 'first-last', help: 'these bytes: 0-99, 100-, -50' },
  },
  examples: ['coffer object cat invoices/2026/notes.txt', 'coffer object cat invoices/2026/notes.txt --range 0-9'],
  see: ['coffer object get'],
  run: async (call) => {
    const { bucket, key } = readObject(call.argument('object'))
    call.doing(`read ${bucket}/${key}`)
    call.about(bucket)
    const s3 = await (await call.server()).s3()
    const [version, range] = [call.text('version-id'), call.text('range')]
    const wanted = {
      ...{ Bucket: bucket, Key: key },
      ...(version === undefined ? {} : { VersionId: version }),
      ...(range === undefined ? {} : { Range: `bytes=${range}` }),
    }
    const { out } = call.streams
    for await (const chunk of contentOf(s3, wanted, call.signal)) if (!out.write(chunk)) await once(out, 'drain')
    return 'done'
  },
}
