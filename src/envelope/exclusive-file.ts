import { randomUUID } from 'node:crypto'
import { link, open, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

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

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Removes what `createExclusive` leaves beside `path` when the process ends in the middle of it: secrets, maybe. */
export async function removeDrafts(path: string): Promise<void> {
  const directory = dirname(path)
  const [start, end] = [`${basename(path)}.`, '.tmp']
  const isDraft = (name: string): boolean =>
    name.startsWith(start) && name.endsWith(end) && UUID.test(name.slice(start.length, -end.length))
  // Where nothing may be read or removed, nothing was made.
  const names = await readdir(directory).catch(() => [])
  for (const name of names.filter(isDraft)) await rm(join(directory, name), { force: true }).catch(() => {})
}

async function write(path: string, bytes: Uint8Array | string): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(bytes)
  await file.sync()
}
