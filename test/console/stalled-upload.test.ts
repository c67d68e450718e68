import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ControlListener, createControlListener } from '../../src/api/common/listener.ts'
import { createGate } from '../../src/api/console/gate.ts'
import { createHandles } from '../../src/api/console/handles.ts'
import { createSessions } from '../../src/api/console/sessions.ts'
import { systemClock } from '../../src/base/clock.ts'
import { readBytes } from '../../src/base/streams.ts'
import type { UserPrincipal } from '../../src/iam/principal.ts'
import { mainAccount } from '../support/bootstrap.ts'

const user: UserPrincipal = {
  ...{ iamId: mainAccount.user.iamId, accountId: mainAccount.id, roles: {}, name: '', email: '' },
  type: 'user',
}
const sessions = createSessions(systemClock)
const session = sessions.open({ kind: 'api-key', principal: async () => user })

/** What came of each upload: its bytes, or that it broke off. */
const uploads: Promise<number | 'broken off'>[] = []
let listening: ControlListener
let port: number
beforeAll(async () => {
  const gate = createGate({
    ...{ sessions, handles: createHandles(), control: () => {} },
    s3: async (incoming, response) => {
      const read = async (): Promise<number> => {
        let size = 0
        for await (const chunk of readBytes(incoming)) size += chunk.length
        response.writeHead(200, { connection: 'close' }).end()
        return size
      }
      const upload = read().catch(() => 'broken off' as const)
      uploads.push(upload)
      await upload
    },
  })
  listening = createControlListener({
    apis: [],
    health: { live: () => ({ ok: true }), ready: () => ({ ok: true }) },
    logger: { info: () => {}, error: () => {} },
    limits: { idleTimeoutMs: 300 },
    front: (incoming, response) => void gate(incoming, response),
  })
  port = (await listening.listen({ host: '127.0.0.1', port: 0 })).port
})
afterAll(() => listening.close(0))

const begin = async () => {
  const head = [
    ...['PUT /ui/s3/bucket/key HTTP/1.1', 'host: x', 'content-length: 4', 'sec-fetch-site: same-origin'],
    ...[`cookie: coffer_session=${session.id}`, `x-coffer-csrf: ${session.csrfToken}`, '', 'ab'],
  ].join('\r\n')
  const socket = connect(port, '127.0.0.1', () => socket.write(head))
  socket.on('error', () => {})
  await once(listening.server, 'request')
  return socket
}

it('an upload through the gate is cut when nothing more of it comes', async () => {
  const slow = await begin()
  slow.write('cd')
  expect(String((await once(slow, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /)
  expect(await uploads[0]).toBe(4)
  slow.destroy()

  const stalled = (await begin()).resume()
  await once(stalled, 'close')
  expect(await uploads[1]).toBe('broken off')
})
