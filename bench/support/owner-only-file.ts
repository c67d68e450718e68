import { writeFile } from 'node:fs/promises'

/** Writes it for nobody else to read, and resolves to its path. */
export async function ownerOnlyFile(path: string, content: string): Promise<string> {
  await writeFile(path, content, { mode: 0o600 })
  return path
}
