import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockDataDirectory } from '../../../src/storage/lock.ts'

const LOCK = new URL('../../../src/storage/lock.ts', import.meta.url).href

/** Another process that takes the lock and keeps it. */
async function holder(directory: string): Promise<ChildProcess> {
  const script = `
    const { lockDataDirectory } = await import(${JSON.stringify(LOCK)})
    globalThis.held = lockDataDirectory(${JSON.stringify(directory)})
    setInterval(() => globalThis.held, 1000)
    console.log('locked')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

describe('data directory lock', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'coffer-lock-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  it('is taken once, and free again after release', () => {
    const first = lockDataDirectory(directory)
    expect(() => lockDataDirectory(directory)).toThrow(
      expect.objectContaining({ code: 'StoreLocked', message: expect.stringContaining(`process ${process.pid} `) }),
    )
    first.release()
    lockDataDirectory(directory).release()
  })

  it('names the process that holds it, and is free as soon as that process is killed', async () => {
    const child = await holder(directory)
    expect(() => lockDataDirectory(directory)).toThrow(
      expect.objectContaining({ code: 'StoreLocked', message: expect.stringContaining(`process ${child.pid} `) }),
    )
    child.kill('SIGKILL')
    await once(child, 'exit')
    lockDataDirectory(directory).release()
  })

  it('makes the directory, and leaves two small files in it', async () => {
    const fresh = join(directory, 'a', 'b')
    const lock = lockDataDirectory(fresh)
    expect((await readdir(fresh)).sort()).toEqual(['coffer.lock', 'coffer.pid'])
    lock.release()
  })
})
