import { credentialsOf, findSomebody } from '../../identities.ts'
import type { CommandSpec } from '../../spec.ts'
import { whenText } from '../../units.ts'
import { USER_ARGUMENT } from './ls.ts'

export const keyList: CommandSpec = {
  name: 'key ls',
  summary: 'Lists the credentials of somebody; never their secrets.',
  arguments: [USER_ARGUMENT],
  examples: ['coffer user key ls svc-billing'],
  run: async (call) => {
    call.doing(`list the credentials of ${call.argument('user')}`)
    const server = await call.server()
    const { nowMs } = call.out
    call.out.rows({
      name: 'credentials',
      rows: await credentialsOf(server, await findSomebody(server, call.argument('user'))),
      columns: [
        { head: 'ID', cell: ({ id }) => id },
        { head: 'KIND', cell: ({ kind }) => (kind === 'hmac' ? 'key pair for S3' : 'API key') },
        { head: 'NAME', cell: ({ name }) => name },
        { head: 'ACCESS KEY', cell: ({ accessKeyId }) => accessKeyId },
        { head: 'STATE', cell: ({ state }) => state },
        { head: 'MADE', cell: ({ createdAt }) => whenText(createdAt, nowMs) },
      ],
      id: ({ id }) => id,
      none: 'There are no credentials. coffer user key create makes one.',
    })
    return 'done'
  },
}
