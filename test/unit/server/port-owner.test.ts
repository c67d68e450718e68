import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { portOwner } from '../../../src/server/port-owner.ts'
import { runCommand } from '../../support/coffer-command.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const IS_LINUX = process.platform === 'linux'

it.each(['127.0.0.1', '::1'])('who has a port at %s is named, to who starts a server there, too', async (host) => {
  await using home = await temporaryDirectory()
  const other = createServer().listen(0, host)
  await once(other, 'listening')
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  expect(portOwner(port)?.pid).toBe(IS_LINUX ? process.pid : undefined)
  const at = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const listen = ['--s3-listen', at, '--control-listen', '127.0.0.1:0']
  const refused = await runCommand(['serve', join(home.path, 'data'), ...listen])
  expect(refused.status).toBe(1)
  expect(refused.err).toContain(`Port ${port} is taken by `)
  expect(refused.err).toContain(IS_LINUX ? `(process ${process.pid})` : 'ss -ltnp')
  other.close()
  await once(other, 'close')
  expect(portOwner(port)).toBeUndefined()
})
