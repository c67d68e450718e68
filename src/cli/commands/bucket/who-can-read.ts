import { isTrue, listOf, member, numberOf, textOf } from '../../json.ts'
import { readReference } from '../../s3/references.ts'
import type { Server } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'
import { tableText } from '../../table.ts'

const PAGE = 1000

export const whoCanRead: CommandSpec = {
  name: 'who-can-read',
  summary:
    'Says who can read a bucket or an object, and what decides it: rights, the authorization of the root key, its state.',
  arguments: [{ name: 'bucket', help: 'bucket, or bucket/key', kind: 'object' }],
  options: { all: { help: 'also those who cannot, with the reason' } },
  examples: ['coffer bucket who-can-read invoices', 'coffer bucket who-can-read invoices/2026/report.pdf --all'],
  see: ['coffer policy simulate', 'coffer authorization check'],
  run: async (call) => {
    const { bucket, key } = readReference(call.argument('bucket'))
    call.doing(`tell who can read ${call.argument('bucket')}`)
    const server = await call.server()
    const answer = await explained(server, bucket, key)
    const shown = answer.readers.filter((one) => call.flag('all') || textOf(one, 'reads') !== 'none')
    const { paint, wide } = call.out
    const keys = listOf(answer.rest, 'rootKeys')
    call.out.answer(
      { ...Object(answer.rest), readers: answer.readers },
      () =>
        [
          ...keys.map((one) => keyLine(one)),
          shown.length === 0
            ? 'Nobody of the account may read it.'
            : tableText(
                shown,
                [
                  { head: 'WHO', cell: (one) => textOf(one, 'name') },
                  { head: 'READS', cell: (one) => textOf(one, 'reads') },
                  { head: 'READABLE', cell: (one) => textOf(one, 'readable') },
                  { head: 'BECAUSE', cell: (one) => textOf(one, 'reason') },
                  { head: 'ID', cell: (one) => textOf(one, 'id'), wide: true },
                ],
                wide,
                paint,
              ),
        ].join('\n'),
      shown.flatMap((one) => textOf(one, 'id') ?? []),
    )
    return 'done'
  },
}

async function explained(server: Server, bucket: string, key: string) {
  const readers: unknown[] = []
  for (;;) {
    const query = { limit: PAGE, offset: readers.length, key: key === '' ? undefined : key }
    const page = await server.control('GET', `/admin/v1/buckets/${encodeURIComponent(bucket)}/who-can-read`, { query })
    const found = listOf(page, 'readers')
    readers.push(...found)
    if (found.length === 0 || readers.length >= (numberOf(page, 'total') ?? 0)) {
      return { rest: page, readers: [...readers, member(page, 'anybody')].filter((one) => one !== undefined) }
    }
  }
}

function keyLine(key: unknown): string {
  const name =
    textOf(key, 'alias') ??
    textOf(key, 'name') ??
    (textOf(key, 'encryption') === 'provider-managed' ? 'the key of the store' : (textOf(key, 'crn') ?? 'a root key'))
  if (!isTrue(key, 'opens')) return `✕ ${name} does not open it now: ${textOf(key, 'refusal') ?? 'refused'}`
  const granted =
    member(key, 'authorization') === undefined
      ? ''
      : `, ${isTrue(key, 'authorization', 'granted') ? 'authorized' : 'not authorized'}`
  return `✓ ${name} opens it${granted}`
}
