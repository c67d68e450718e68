import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, open, stat, utimes } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import { hasErrno } from '../../src/storage/errno.ts'

/** What a test has been given is given to no other for so long: until a server listens there, or is started again at it. */
const LEASE_MS = 600_000
const LEASES = path.join(tmpdir(), `coffer-test-ports-${userInfo().uid}`)

/**
 * A free loopback port that no other test of this machine is given meanwhile, below those that the kernel gives to connections
 * (32768 and up): one of these may be a client's by the time that a server starts again at it.
 */
export async function freePort(): Promise<number> {
  await mkdir(LEASES, { recursive: true })
  for (;;) {
    const port = randomInt(10_000, 32_000)
    if ((await lease(path.join(LEASES, `${port}`))) && (await isFree(port))) return port
  }
}

async function lease(file: string): Promise<boolean> {
  try {
    await (await open(file, 'wx')).close()
    return true
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw error
    if (Date.now() - (await stat(file)).mtimeMs < LEASE_MS) return false
    await utimes(file, new Date(), new Date())
    return true
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, '127.0.0.1')
  const listens = await once(probe, 'listening').then(
    () => true,
    () => false,
  )
  if (!listens) return false
  probe.close()
  await once(probe, 'close')
  return true
}
