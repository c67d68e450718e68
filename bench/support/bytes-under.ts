import { statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'

/** What the files of a directory take on the disk, which may be more or less than they are long. */
export async function bytesUnder(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(path.join(parentPath, name)).blocks * 512, 0)
}
