import { readFileSync } from 'node:fs'
import { usage } from './errors.ts'

/**
 * Keys out of a file, `-` for standard input: the raw bytes of one, or one a line in hex or base64. Only from files, for what
 * stands in a command line is shown to everybody on the machine. Throws Usage for what has none of `lengths`.
 */
export function readKeyMaterial(path: string, lengths: readonly number[]): Buffer[] {
  const content = readSecretFile(path)
  if (lengths.includes(content.length)) return [content]
  const lines = content
    .toString('latin1')
    .split(/\s+/)
    .filter((line) => line !== '')
  return lines.map((line) => {
    const hex = /^[0-9a-f]+$/i.test(line) ? Buffer.from(line, 'hex') : Buffer.alloc(0)
    const key = lengths.includes(hex.length) ? hex : Buffer.from(line, 'base64')
    if (!/^[\w+/=-]+$/.test(line) || !lengths.includes(key.length))
      throw usage(`${path} holds no key of ${lengths.join(', ')} bytes, nor its hex or base64`)
    return key
  })
}

function readSecretFile(path: string): Buffer {
  try {
    return readFileSync(path === '-' ? 0 : path)
  } catch (error) {
    throw usage(`the key file ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** What is in the file, but for the line feed at its end. */
export const readPassphrase = (path: string): string =>
  readSecretFile(path)
    .toString('utf8')
    .replace(/\r?\n$/, '')
