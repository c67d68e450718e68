import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncDirectory } from './directories.ts'

/**
 * The file holds `text` when this resolves, durably; after a crash or an error it is whole, old or new. Mode 0600. One call
 * at a time for a path: the draft beside it, `<path>.new`, has a name of its own only once.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.new`
  try {
    const file = await open(draft, 'w', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {})
    throw error
  }
  await syncDirectory(dirname(path))
}
