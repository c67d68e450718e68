import { sha256 } from './ciphers.ts'

const MAX_NAME_BYTES = 200

/**
 * Names of objects are what clients chose: `../x`, an empty one, control characters. Each piece between slashes becomes a
 * name of letters, digits and `-._ `, all else as `%XX`; what is too long is cut and gets a digest. Never leaves its directory.
 */
export function safePath(key: string): string[] {
  return key.split('/').map((piece) => {
    const name = [...Buffer.from(piece, 'utf8')].map(safeByte).join('')
    const plain = /^\.*$/.test(name) ? name.replaceAll('.', '%2E') || '%' : name
    if (plain.length <= MAX_NAME_BYTES) return plain
    return `${plain.slice(0, MAX_NAME_BYTES)}%${sha256(Buffer.from(piece)).toString('hex', 0, 8)}`
  })
}

const SAFE = /[A-Za-z0-9._ -]/

function safeByte(byte: number): string {
  const character = String.fromCharCode(byte)
  return SAFE.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

/** For a terminal: control characters, of which names may have any, as `\xNN`. */
export const shown = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`,
  )
