import { createHash } from 'node:crypto'
import { contentBytes } from './content.ts'

/** What must not be found, by what it is. */
export type Planted = Map<string, Buffer>

export interface Planting {
  readonly planted: Planted
  /** Bytes of an object. Compared by pieces, so that any leak of 24 bytes counts. */
  readonly body: (name: string, size: number) => Buffer
  /** A word that stands for something secret. */
  readonly word: (name: string) => string
}

export function planting(): Planting {
  const planted: Planted = new Map()
  return {
    planted,
    body: (name, size) => {
      const bytes = contentBytes(`secrecy ${name}`, size)
      for (const at of [0, size >> 1, size - 24]) planted.set(`body of ${name} at ${at}`, bytes.subarray(at, at + 24))
      planted.set(`MD5 of ${name}`, createHash('md5').update(bytes).digest())
      planted.set(`SHA-256 of ${name}`, createHash('sha256').update(bytes).digest())
      return bytes
    },
    word: (name) => {
      const text = `planted-${createHash('sha256').update(`word ${name}`).digest('hex').slice(0, 24)}`
      planted.set(name, Buffer.from(text))
      return text
    },
  }
}

/** Raw, in hex of either case, and in base64 as it would stand by itself. */
const spellings = (secret: Buffer): Buffer[] => [
  secret,
  Buffer.from(secret.toString('hex')),
  Buffer.from(secret.toString('hex').toUpperCase()),
  Buffer.from(secret.toString('base64').replace(/=+$/, '')),
  Buffer.from(secret.toString('base64url')),
]

/** What of it was found, and where. */
export function leaks(planted: Planted, places: ReadonlyMap<string, Buffer>): string[] {
  const found: string[] = []
  for (const [name, secret] of planted) {
    for (const spelling of spellings(secret)) {
      for (const [place, bytes] of places) if (bytes.includes(spelling)) found.push(`${name} in ${place}`)
    }
  }
  return found
}
