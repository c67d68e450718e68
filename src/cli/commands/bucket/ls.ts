import { listOf, textOf } from '../../json.ts'
import { tokenOrNone } from '../../optional-control.ts'
import { rootKeyNames } from '../../root-key-names.ts'
import type { Server } from '../../server.ts'
import type { CommandSpec } from '../../spec.ts'
import { whenText } from '../../units.ts'

interface Row {
  readonly name: string
  readonly createdAt: string | undefined
  readonly rootKeys: readonly string[]
  readonly state: string | undefined
}

export const listBuckets: CommandSpec = {
  name: 'ls',
  summary: 'Lists buckets.',
  about:
    'With an API key of somebody who manages them, also the root keys that they are under and whether these can be used.',
  examples: ['coffer bucket ls', 'coffer bucket ls --json'],
  see: ['coffer bucket show', 'coffer object ls'],
  run: async (call) => {
    call.doing('list buckets')
    const server = await call.server()
    const s3 = await server.s3()
    const [{ Buckets: buckets = [] }, states] = await Promise.all([s3.listBuckets({}), keyStates(server)])
    const rows = buckets.map(({ Name: name = '', CreationDate: created }): Row => {
      const known = states?.get(name)
      return { name, createdAt: created?.toISOString(), rootKeys: known?.rootKeys ?? [], state: known?.state }
    })
    const names = await rootKeyNames(
      server,
      rows.flatMap(({ rootKeys }) => rootKeys),
    )
    const { nowMs } = call.out
    call.out.rows({
      name: 'buckets',
      rows,
      columns: [
        { head: 'NAME', cell: ({ name }) => name },
        { head: 'CREATED', cell: ({ createdAt }) => whenText(createdAt, nowMs) },
        { head: 'STATE', cell: ({ state }) => state },
        { head: 'ROOT KEYS', cell: ({ rootKeys }) => rootKeys.map((crn) => names.get(crn)).join(', ') },
      ],
      id: ({ name }) => name,
      none: 'There are no buckets. coffer bucket create NAME makes one.',
    })
    return 'done'
  },
}

/** Of the buckets that the caller manages; undefined where he has no token. */
async function keyStates(server: Server) {
  const answer = await tokenOrNone(() => server.control('GET', '/admin/v1/buckets'))
  if (answer === undefined) return undefined
  return new Map(
    listOf(answer, 'buckets').map((one) => [
      textOf(one, 'bucket') ?? '',
      {
        state: textOf(one, 'state'),
        rootKeys: listOf(one, 'keys').flatMap((key) => textOf(key, 'rootKeyCrn') ?? []),
      },
    ]),
  )
}
