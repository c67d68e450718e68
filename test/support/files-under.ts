import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Every file under a directory with its bytes, by its path. A running server may take one away meanwhile. */
export async function filesUnder(directory: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile()) continue
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    if (bytes) files.set(path, bytes)
  }
  return files
}
