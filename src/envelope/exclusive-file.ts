import { randomUUID } from 'node:crypto'
import { link, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a file of mode 0600 that is either whole and durable or not there. An existing file is never touched: EEXIST.
 */
export async function createExclusive(path: string, bytes: Uint8Array | string): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`
  try {
    await write(draft, bytes)
    // Unlike rename, link refuses to replace.
    await link(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
  await using directory = await open(dirname(path), 'r')
  await directory.sync()
}

async function write(path: string, bytes: Uint8Array | string): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(bytes)
  await file.sync()
}
