import { open } from 'node:fs/promises'
import { MAX_LINE_BYTES } from './format.ts'

export interface LogLine {
  /** Without its newline. */
  readonly bytes: Buffer
  /** From 1. */
  readonly number: number
  /** Of its first byte in the file. */
  readonly offset: number
  /** False for what has no newline, or none within the length of a line: then it is the last one. */
  readonly whole: boolean
}

/** The lines of one read are gone through at a stretch, in a server that verifies its log beside requests too. */
const READ_BYTES = 64 * 1024
const NEWLINE = 0x0a

/** The lines of a file, one at a time: a log may be larger than memory. */
export async function* linesOf(path: string): AsyncGenerator<LogLine> {
  await using file = await open(path, 'r')
  let [number, offset] = [1, 0]
  let rest: Buffer = Buffer.alloc(0)
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES)
    const chunk = buffer.subarray(0, bytesRead)
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let from = 0
    for (let at = rest.indexOf(NEWLINE); at >= 0; at = rest.indexOf(NEWLINE, from)) {
      yield { bytes: rest.subarray(from, at), number, offset, whole: true }
      number++
      offset += at - from + 1
      from = at + 1
    }
    rest = rest.subarray(from)
    if (bytesRead === 0 || rest.length > MAX_LINE_BYTES) break
  }
  if (rest.length > 0) yield { bytes: rest, number, offset, whole: false }
}

/** The first line of a file; undefined when it has none. */
export async function firstLineOf(path: string): Promise<Buffer | undefined> {
  for await (const { bytes, whole } of linesOf(path)) return whole ? bytes : undefined
  return undefined
}
