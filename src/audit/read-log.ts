import { type FileHandle, open } from 'node:fs/promises'
import { hasErrno } from '../storage/errno.ts'
import { headerOf, type LogFile, listFiles } from './files.ts'
import { MAX_LINE_BYTES } from './format.ts'

/** A line of the log as somebody reads it who does not verify it. */
export interface ReadLine {
  readonly seq: number
  readonly time: string
  readonly type: string
  /** All its members, with `hash`. */
  readonly record: Readonly<Record<string, unknown>>
  /** As it lies in the file. */
  readonly text: string
}

export interface Span {
  /** Lines with a greater number than this. */
  readonly after?: number | undefined
  /** Lines with a smaller number than this. */
  readonly before?: number | undefined
  /** Lines of this time or later. As in the log: UTC with milliseconds. */
  readonly since?: string | undefined
  /** Lines from before this time. */
  readonly until?: string | undefined
}

type Order = 'newest-first' | 'oldest-first'

/** Of each of these one stands in every line that is looked for, as it lies in the file. */
export type Needles = readonly (readonly string[])[]

/** Of the lines in which none does so many are passed over unread: then one is read, to tell how far the reading has come. */
const PASSED_OVER = 4096

const WINDOW_BYTES = 64 * 1024

/** Lines are in the order in which they were written down, which is nearly that of their times. */
const TIME_SLACK_MS = 60_000

const shifted = (time: string | undefined, byMs: number): string | undefined =>
  time === undefined ? undefined : new Date(Date.parse(time) + byMs).toISOString()

/** All that lies where lines of the span may lie. */
const around = ({ since, until, ...places }: Span): Span => ({
  ...places,
  since: shifted(since, -TIME_SLACK_MS),
  until: shifted(until, TIME_SLACK_MS),
})

/**
 * The lines of a span, of a log that is being written. It is read by place, not from its beginning: a page out of a
 * gigabyte costs some windows of 64 KiB. What is no whole line is passed over, and files that are removed meanwhile. With
 * `needles` lines come that have them, and few others: to look for one is a twentieth of the work of reading a line.
 */
export async function* readLog(
  directory: string,
  span: Span,
  order: Order,
  needles: Needles = [],
): AsyncGenerator<ReadLine> {
  const places = around(span)
  const isWorthReading = sieve(needles)
  for (const file of await filesOf(directory, places, order)) {
    for await (const line of readFile(file, places, order, isWorthReading)) {
      if (!isAhead(line, span) && !isBehind(line, span)) yield line
    }
  }
}

function sieve(needles: Needles): (text: Buffer) => boolean {
  const bytes = needles.map((some) => some.map((one) => Buffer.from(one, 'utf8')))
  let passedOver = PASSED_OVER
  return (text) => {
    if (passedOver < PASSED_OVER && !bytes.every((some) => some.some((one) => text.includes(one)))) {
      passedOver++
      return false
    }
    passedOver = 0
    return true
  }
}

/** Those that may hold lines of the span. */
async function filesOf(directory: string, span: Span, order: Order): Promise<readonly LogFile[]> {
  const files = await listFiles(directory)
  const heads = await Promise.all(files.map(async (file) => ({ file, head: await headerOf(file.path) })))
  const wanted = heads.filter(({ head }, index) => {
    const next = heads[index + 1]?.head
    return !(head && isBehind(head, span)) && !(next && isAhead({ seq: next.seq - 1, time: next.time }, span))
  })
  const found = wanted.map(({ file }) => file)
  return order === 'newest-first' ? found.reverse() : found
}

type Place = Pick<ReadLine, 'seq' | 'time'>
const isAhead = ({ seq, time }: Place, { after, since }: Span): boolean =>
  (after !== undefined && seq <= after) || (since !== undefined && time < since)
const isBehind = ({ seq, time }: Place, { before, until }: Span): boolean =>
  (before !== undefined && seq >= before) || (until !== undefined && time >= until)

async function* readFile(
  { path, bytes }: LogFile,
  span: Span,
  order: Order,
  isWorthReading: (text: Buffer) => boolean,
): AsyncGenerator<ReadLine> {
  await using file = await openIfThere(path)
  if (!file) return
  const from = await placeOf(file, bytes, (line) => !isAhead(line, span))
  const to = await placeOf(file, bytes, (line) => isBehind(line, span))
  const texts = order === 'newest-first' ? backwards(file, from, to) : forwards(file, from, to)
  for await (const text of texts) {
    const line = isWorthReading(text) ? lineIn(text) : undefined
    if (line) yield line
  }
}

/** A file goes when the log is at its bound. */
async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Where the first line begins for which `isThere` holds, which then holds for all that follow it. */
async function placeOf(file: FileHandle, bytes: number, isThere: (line: ReadLine) => boolean): Promise<number> {
  let [low, high] = [0, bytes]
  while (high - low > WINDOW_BYTES) {
    const middle = Math.floor((low + high) / 2)
    const found = await firstLineAfter(file, middle, high)
    if (found && !isThere(found.line)) low = found.at
    else high = middle
  }
  return await exactPlace(file, low, bytes, isThere)
}

/** From a line that begins at `low` on. */
async function exactPlace(
  file: FileHandle,
  low: number,
  bytes: number,
  isThere: (line: ReadLine) => boolean,
): Promise<number> {
  let at = low
  for await (const text of forwards(file, low, bytes)) {
    const line = lineIn(text)
    if (line && isThere(line)) return at
    at += text.length + 1
  }
  return bytes
}

/** The first whole line that begins behind `from`, if one does before `to`. */
async function firstLineAfter(
  file: FileHandle,
  from: number,
  to: number,
): Promise<{ readonly at: number; readonly line: ReadLine } | undefined> {
  const window = await bytesOf(file, from, Math.min(from + 2 * MAX_LINE_BYTES, to))
  for (let start = window.indexOf(NEWLINE) + 1; start > 0; start = window.indexOf(NEWLINE, start) + 1) {
    const end = window.indexOf(NEWLINE, start)
    if (end < 0) return undefined
    const line = lineIn(window.subarray(start, end))
    if (line) return { at: from + start, line }
  }
  return undefined
}

const NEWLINE = 0x0a

/** Lines without their newlines; what has none at the end is left out. `from` is where a line begins. */
async function* forwards(file: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for (let at = from; at < to; at += WINDOW_BYTES) {
    const window = Buffer.concat([rest, await bytesOf(file, at, Math.min(at + WINDOW_BYTES, to))])
    let start = 0
    for (let end = window.indexOf(NEWLINE); end >= 0; end = window.indexOf(NEWLINE, start)) {
      yield window.subarray(start, end)
      start = end + 1
    }
    rest = window.subarray(start)
    if (rest.length > MAX_LINE_BYTES) return
  }
}

/** The same from the end. `from` and `to` are where lines begin, or the end of the file. */
async function* backwards(file: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for (let at = to; at > from; ) {
    const start = Math.max(at - WINDOW_BYTES, from)
    const window = Buffer.concat([await bytesOf(file, start, at), rest])
    at = start
    let end = window.length
    for (let newline = window.lastIndexOf(NEWLINE, end - 2); newline >= 0 && end > 1; ) {
      yield withoutNewline(window.subarray(newline + 1, end))
      end = newline + 1
      newline = end < 2 ? -1 : window.lastIndexOf(NEWLINE, end - 2)
    }
    rest = window.subarray(0, end)
    if (rest.length > 2 * MAX_LINE_BYTES) return
  }
  if (rest.length > 0) yield withoutNewline(rest)
}

const withoutNewline = (line: Buffer): Buffer => (line.at(-1) === NEWLINE ? line.subarray(0, -1) : line)

async function bytesOf(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.max(to - from, 0))
  const { bytesRead } = await file.read(buffer, 0, buffer.length, from)
  return buffer.subarray(0, bytesRead)
}

/** Undefined for what is no line of a log. */
function lineIn(bytes: Buffer): ReadLine | undefined {
  const text = bytes.toString('utf8')
  try {
    const record: unknown = JSON.parse(text)
    if (typeof record !== 'object' || record === null) return undefined
    const { seq, time, type } = { seq: undefined, time: undefined, type: undefined, ...record }
    if (typeof seq !== 'number' || typeof time !== 'string' || typeof type !== 'string') return undefined
    return { seq, time, type, record: { ...record }, text }
  } catch {
    return undefined
  }
}
