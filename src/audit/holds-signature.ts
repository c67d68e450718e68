import { createReadStream } from 'node:fs'
import { MAX_LINE_BYTES, splitLine } from './format.ts'
import { isSignedBy, type PublicKeys } from './keys.ts'

const NEWLINE = 0x0a

/**
 * Is a line of a file, from an offset on, signed by one of the keys? A checkpoint is written when what it signs is on the
 * disk, so no crash tears anything off before one: where lines that do not chain hold one, the log was changed.
 */
export async function holdsSignature(path: string, from: number, keys: PublicKeys): Promise<boolean> {
  for await (const line of roughLines(path, from)) {
    const split = splitLine(line.toString('utf8'))
    if (split?.signature === undefined) continue
    for (const key of keys.values()) if (isSignedBy(key, split.hash, split.signature)) return true
  }
  return false
}

/**
 * What ends with a newline, but for what is too long to be a line: rubbish of any size may lie between. The last write may
 * have lost the newline of its checkpoint and nothing else: that is no line.
 */
async function* roughLines(path: string, start: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  let skipping = false
  for await (const chunk of createReadStream(path, { start })) {
    if (!(chunk instanceof Buffer)) continue
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let from = 0
    for (let at = rest.indexOf(NEWLINE); at >= 0; at = rest.indexOf(NEWLINE, from)) {
      if (!skipping) yield rest.subarray(from, at)
      skipping = false
      from = at + 1
    }
    rest = rest.subarray(from)
    if (rest.length <= MAX_LINE_BYTES) continue
    skipping = true
    rest = Buffer.alloc(0)
  }
}
