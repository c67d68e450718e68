import { type Canary, type Spelling, spellingsOf } from './canaries.ts'

export interface Hit {
  readonly canary: string
  readonly spelling: Spelling
  readonly offset: number
  /** Where it ends. */
  readonly end: number
}

interface Pattern {
  readonly canary: string
  readonly spelling: Spelling
  readonly bytes: Buffer
}

/** Looks for all canaries in all spellings in one pass over the bytes. */
export interface Search {
  readonly longest: number
  readonly in: (bytes: Uint8Array) => Generator<Hit>
}

const PREFIX_BITS = 24

export function searchFor(canaries: readonly Canary[]): Search {
  const patterns = new Map<number, Pattern[]>()
  // One bit for each three bytes that a pattern begins with: most places are passed over by one look.
  const begins = new Uint8Array(2 ** PREFIX_BITS / 8)
  const known = new Set<string>()
  let longest = 0
  for (const { name, pieces } of canaries) {
    for (const [spelling, bytes] of pieces.flatMap((piece) => [...spellingsOf(piece)])) {
      const text = bytes.toString('latin1')
      if (known.has(text)) continue
      known.add(text)
      const prefix = prefixAt(bytes, 0)
      begins[prefix >>> 3] = (begins[prefix >>> 3] ?? 0) | (1 << (prefix & 7))
      patterns.set(prefix, [...(patterns.get(prefix) ?? []), { canary: name, spelling, bytes }])
      longest = Math.max(longest, bytes.length)
    }
  }
  return {
    longest,
    in: function* (given) {
      if (patterns.size === 0) return
      const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
      let prefix = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)
      for (let at = 2; at < bytes.length; at++) {
        prefix = ((prefix << 8) | (bytes[at] ?? 0)) & 0xffffff
        if (((begins[prefix >>> 3] ?? 0) & (1 << (prefix & 7))) === 0) continue
        const offset = at - 2
        for (const { canary, spelling, bytes: wanted } of patterns.get(prefix) ?? []) {
          const end = offset + wanted.length
          if (bytes.subarray(offset, end).equals(wanted)) yield { canary, spelling, offset, end }
        }
      }
    },
  }
}

const prefixAt = (bytes: Buffer, at: number): number => bytes.readUIntBE(at, 3)
