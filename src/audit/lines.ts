import { open } from 'node:fs/promises'
import { MAX_LINE_BYTES } from './format.ts'

export interface LogLine {
  /** Without its newline. They hold until the next line is asked for. */
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

/**
 * The lines of a file, one at a time: a log may be larger than memory. They are read into one buffer: one for each read
 * would leave 15 MiB that the allocator does not give back after a start.
 */
export async function* linesOf(path: string): AsyncGenerator<LogLine> {
  await using file = await open(path, 'r')
  const window = Buffer.allocUnsafeSlow(MAX_LINE_BYTES + READ_BYTES)
  let [number, offset, kept] = [1, 0, 0]
  for (;;) {
    const { bytesRead } = await file.read(window, kept, READ_BYTES)
    const filled = window.subarray(0, kept + bytesRead)
    let from = 0
    for (let at = filled.indexOf(NEWLINE, kept); at >= 0; at = filled.indexOf(NEWLINE, from)) {
      yield { bytes: filled.subarray(from, at), number, offset, whole: true }
      number++
      offset += at - from + 1
      from = at + 1
    }
    filled.copyWithin(0, from)
    kept = filled.length - from
    if (bytesRead === 0 || kept > MAX_LINE_BYTES) break
  }
  if (kept > 0) yield { bytes: window.subarray(0, kept), number, offset, whole: false }
}

/** The first line of a file; undefined when it has none. */
export async function firstLineOf(path: string): Promise<Buffer | undefined> {
  for await (const { bytes, whole } of linesOf(path)) return whole ? bytes : undefined
  return undefined
}
