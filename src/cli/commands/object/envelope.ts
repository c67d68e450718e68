import { isTrue, listOf, numberOf, textOf } from '../../json.ts'
import { NAME_OF_STORE_KEY, rootKeyName } from '../../root-key-names.ts'
import { readObject } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'
import { factsText } from '../../table.ts'
import { sizeText } from '../../units.ts'

export const objectEnvelope: CommandSpec = {
  name: 'envelope',
  summary: 'Shows how an object is sealed: root key, data key, segments.',
  about: 'Nothing is opened for it: it works while the root key is disabled, too.',
  arguments: [{ name: 'object', help: 'bucket/key', kind: 'object' }],
  options: { 'version-id': { value: 'id', help: 'this version' } },
  examples: ['coffer object envelope invoices/2026/report.pdf'],
  see: ['coffer object stat', 'coffer key show'],
  run: async (call) => {
    const { bucket, key } = readObject(call.argument('object'))
    call.doing(`show the envelope of ${bucket}/${key}`)
    const server = await call.server()
    const query = { key, versionId: call.text('version-id') }
    const answer = await server.control('GET', `/admin/v1/buckets/${encodeURIComponent(bucket)}/envelope`, { query })
    const layers = listOf(answer, 'stored', 'layers')
    const segments = layers.reduce<number>((sum, one) => sum + (numberOf(one, 'segments') ?? 0), 0)
    const stored = numberOf(layers.at(-1), 'ciphertextBytes')
    const crn = textOf(answer, 'rootKey', 'crn')
    const rootKey = crn === undefined ? NAME_OF_STORE_KEY : await rootKeyName(server, crn)
    const number = numberOf(answer, 'rootKeyVersion', 'number')
    const version = textOf(answer, 'rootKeyVersion', 'id')
    call.out.answer(
      Object(answer),
      () =>
        factsText(
          [
            ['object', `${bucket}/${key}  ${sizeText(numberOf(answer, 'sizeBytes') ?? 0)}`],
            ['⬡ root key', rootKey],
            ['  version', number === undefined ? version : `${number}  (${version})`],
            [
              '  wraps',
              textOf(answer, 'bucketKey', 'id') === undefined
                ? 'the data key'
                : `the bucket key ${textOf(answer, 'bucketKey', 'id')}, and that the data key`,
            ],
            ['✉ data key', `${textOf(answer, 'dataKey', 'fingerprint') ?? ''}  (fingerprint of the wrapped key)`],
            ['  customer key', isTrue(answer, 'customerKey') ? 'needed, too (SSE-C)' : undefined],
            ['▒ sealed by', textOf(answer, 'stored', 'cipher')],
            [
              '  segments',
              layers.length === 0
                ? 'not as the record says: the object is damaged'
                : `${segments}, ${numberOf(answer, 'stored', 'parts')} part${numberOf(answer, 'stored', 'parts') === 1 ? '' : 's'}`,
            ],
            ['  on the disk', stored === undefined ? undefined : sizeText(stored)],
          ],
          call.out.paint,
        ),
      [textOf(answer, 'dataKey', 'fingerprint') ?? ''],
    )
    return 'done'
  },
}
