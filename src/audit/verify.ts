import { stat } from 'node:fs/promises'
import type { Link } from './chain.ts'
import { anchorOf, type CheckedLine, checkLine } from './check-line.ts'
import { type FileRecord, type FoundFile, hashFrom, headerOf, type LogFile, listFiles } from './files.ts'
import { NO_HASH } from './format.ts'
import { holdsSignature } from './holds-signature.ts'
import type { PublicKeys } from './keys.ts'
import { type LogLine, linesOf } from './lines.ts'
import type { AuditRecord } from './records.ts'

/** `directory`: a whole log. `files`: some of its files, in order. `excerpt`: one file that an export made. */
export type Source =
  | { readonly type: 'directory'; readonly path: string }
  | { readonly type: 'files'; readonly files: readonly { readonly path: string; readonly number: number }[] }
  | { readonly type: 'excerpt'; readonly path: string }

export interface VerifyOptions {
  readonly source: Source
  readonly keys: PublicKeys
  /** A line that must be there, as an earlier verification named it: tells a log that was cut off at its end. */
  readonly expected?: Link
}

export interface Problem {
  readonly file: string
  /** From 1; 0 when it is about the file as a whole. */
  readonly line: number
  readonly seq?: number
  readonly problem: string
}

export interface Verification {
  /** `unsigned`: all is well, but the last lines are not signed or not finished, as in a log that is being written. */
  readonly outcome: 'verified' | 'unsigned' | 'bad'
  readonly first: Problem | undefined
  readonly lines: number
  readonly files: number
  /** First and last sequence number that was found good; 0 when none was. */
  readonly fromSeq: number
  readonly throughSeq: number
  /** The last checkpoint. */
  readonly signed: Link | undefined
  /** Lines behind it. */
  readonly unsignedLines: number
  /** Bytes at the end of the last file that are no whole line. */
  readonly unfinishedBytes: number
  /** Removed to keep the log in its bounds, as a signed line says. */
  readonly dropped: { readonly throughSeq: number; readonly throughFile: number; readonly at: string } | undefined
  /** What interrupted writes left behind, each told by the file that follows. */
  readonly torn: readonly { readonly file: string; readonly bytes: number }[]
  /** Events that could not be kept, as the log says itself. */
  readonly lostEvents: number
}

type Dropped = Extract<AuditRecord, { type: 'dropped' }>

/** Reads as a stream, changes nothing, and needs nothing but the public keys. Throws what the disk throws. */
export const verifyLog = async (options: VerifyOptions): Promise<Verification> => (await surveyLog(options)).report

/** The same, and what it read of the files of a directory. Throws the reason of the signal too. */
export async function surveyLog(
  { source, keys, expected }: VerifyOptions,
  signal?: AbortSignal,
): Promise<{ readonly report: Verification; readonly found: readonly FoundFile[] }> {
  const files = await filesOf(source)
  const walk = new Walk(keys, source.type === 'excerpt', expected)
  for (const [index, file] of files.entries()) {
    if (!(await walk.file(file, files[index + 1], signal))) break
  }
  return { report: walk.report(source), found: walk.found }
}

async function filesOf(source: Source): Promise<readonly LogFile[]> {
  if (source.type === 'directory') return listFiles(source.path)
  const named = source.type === 'files' ? source.files : [{ path: source.path, number: 0 }]
  return Promise.all(named.map(async (file) => ({ ...file, bytes: (await stat(file.path)).size })))
}

/** One pass over the log. */
class Walk {
  readonly #keys: PublicKeys
  readonly #excerpt: boolean
  readonly #expected: Link | undefined
  #head: Link | undefined
  #start: (Problem & { readonly from: Link }) | undefined
  #fileNumber: number | undefined
  #problem: Problem | undefined
  #lines = 0
  #files = 0
  #signed: Link | undefined
  #unfinishedBytes = 0
  /** The last that was said of removed lines, and signed at once. */
  #dropped: Dropped | undefined
  #last: AuditRecord | undefined
  /** A line that a torn write is said to have left, as long as nothing that follows is signed. */
  #untold: Problem | undefined
  #lostEvents = 0
  #foundExpected = false
  readonly #torn: { file: string; bytes: number }[] = []
  readonly found: FoundFile[] = []

  constructor(keys: PublicKeys, excerpt: boolean, expected: Link | undefined) {
    this.#keys = keys
    this.#excerpt = excerpt
    this.#expected = expected
  }

  /** False when the first bad line is found. */
  async file(file: LogFile, next: LogFile | undefined, signal?: AbortSignal): Promise<boolean> {
    this.#files++
    for await (const line of linesOf(file.path)) {
      signal?.throwIfAborted()
      const problem = this.#line(file, line)
      if (problem === undefined) continue
      const found = { file: file.path, line: line.number, ...problem }
      if (line.number > 1 && (await this.#isTorn(file, line, next))) {
        this.#untold ??= found
        return true
      }
      if (line.whole || next !== undefined) {
        this.#problem = found
        return false
      }
      this.#unfinishedBytes = file.bytes - line.offset
      return true
    }
    if (file.bytes > 0) return true
    this.#problem = { file: file.path, line: 0, problem: 'the file is empty' }
    return false
  }

  /** Takes a line, or says what is wrong with it. */
  #line(file: LogFile, line: LogLine): { problem: string; seq?: number } | undefined {
    if (!line.whole) return { problem: 'the line is not finished' }
    const checked = checkLine(line.bytes, this.#head, this.#keys)
    if ('problem' in checked) return checked
    const problem = this.#misplaced(file, line, checked)
    if (problem !== undefined) return { problem, seq: checked.record.seq }
    this.#take(file, line, checked)
    return undefined
  }

  #misplaced(file: LogFile, line: LogLine, { record }: CheckedLine): string | undefined {
    if (record.type !== 'file') {
      return line.number === 1 && !this.#excerpt ? 'the file does not begin with its own line' : undefined
    }
    if (line.number > 1 && !this.#excerpt) return 'the line belongs at the beginning of a file'
    if (!this.#excerpt && record.file !== file.number) return `the line belongs to file ${record.file}`
    if (this.#fileNumber !== undefined && record.file !== this.#fileNumber + 1) return 'a file is missing before it'
    return undefined
  }

  #take(file: LogFile, line: LogLine, { record, link }: CheckedLine): void {
    if (this.#head === undefined) {
      const from = { seq: link.seq - 1, hash: anchorOf(record)?.hash ?? NO_HASH }
      this.#start = { file: file.path, line: line.number, seq: link.seq, problem: '', from }
    }
    this.#head = link
    this.#lines++
    if (record.type === 'checkpoint') {
      this.#signed = link
      this.#untold = undefined
      // Whoever signs it at once wrote it. One that was found at a start has a line of that run behind it.
      if (this.#last?.type === 'dropped') this.#dropped = this.#last
    }
    this.#last = record
    if (record.type === 'file') this.#fileNumber = record.file
    this.#count(file, line, record)
    if (record.type === 'lost') this.#lostEvents += record.events
    if (this.#expected?.seq === link.seq && this.#expected.hash === link.hash) this.#foundExpected = true
  }

  #count({ number }: LogFile, line: LogLine, record: AuditRecord): void {
    const from = line.number === 1 ? anchorOf(record) : this.found.pop()?.from
    if (from) this.found.push({ number, from, bytes: line.offset + line.bytes.length + 1 })
  }

  /** The file that follows says what an interrupted write left at the end of this one. */
  async #isTorn(file: LogFile, line: LogLine, next: LogFile | undefined): Promise<boolean> {
    const torn: FileRecord['torn'] = next && (await headerOf(next.path))?.torn
    const bytes = file.bytes - line.offset
    if (torn?.bytes !== bytes || torn.sha256 !== (await hashFrom(file.path, line.offset))) return false
    if (await holdsSignature(file.path, line.offset, this.#keys)) return false
    this.#torn.push({ file: file.path, bytes })
    return true
  }

  report(source: Source): Verification {
    const first = this.#untold ?? this.#problem ?? this.#missingStart(source) ?? this.#missingExpected()
    const unsignedLines = (this.#head?.seq ?? 0) - (this.#signed?.seq ?? this.#start?.from.seq ?? 0)
    const open = unsignedLines > 0 || this.#unfinishedBytes > 0 || this.#lines === 0
    return {
      outcome: first ? 'bad' : open ? 'unsigned' : 'verified',
      first,
      lines: this.#lines,
      files: this.#files,
      fromSeq: this.#start?.seq ?? 0,
      throughSeq: this.#head?.seq ?? 0,
      signed: this.#signed,
      unsignedLines,
      unfinishedBytes: this.#unfinishedBytes,
      dropped: this.#dropped && {
        throughSeq: this.#dropped.throughSeq,
        throughFile: this.#dropped.throughFile,
        at: this.#dropped.time,
      },
      torn: this.#torn,
      lostEvents: this.#lostEvents,
    }
  }

  /** A whole log begins with line 1, or where a signed line says that what came before was removed. */
  #missingStart(source: Source): Problem | undefined {
    if (source.type !== 'directory' || this.#start === undefined) return undefined
    const { from, ...start } = this.#start
    if (from.seq === 0 && from.hash === NO_HASH) return undefined
    const told = this.#dropped
    // Files that were to be removed when a crash came are still there.
    if (told && from.seq <= told.throughSeq && (from.seq < told.throughSeq || from.hash === told.throughHash)) {
      return undefined
    }
    return {
      ...start,
      problem: `the lines up to ${from.seq} are missing, and no signed line says that they were removed`,
    }
  }

  /** Found, or removed in order: the log then goes on behind it. */
  #missingExpected(): Problem | undefined {
    if (this.#expected === undefined || this.#foundExpected) return undefined
    const { seq, hash } = this.#expected
    const from = this.#start?.from
    const begins = from !== undefined && (from.seq > seq || (from.seq === seq && from.hash === hash))
    if (begins && this.#dropped && this.#dropped.throughSeq >= seq) return undefined
    const known = this.#head?.seq ?? 0
    const problem =
      seq > known
        ? `the log ends at ${known}: line ${seq}, which was there once, is cut off`
        : `line ${seq} is not the one that was there once`
    return { file: '', line: 0, seq, problem }
  }
}
