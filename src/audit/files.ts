import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from '../storage/directories.ts'
import { hasErrno } from '../storage/errno.ts'
import type { Link } from './chain.ts'
import { FORMAT, fileName, fileNumber, splitLine } from './format.ts'
import { firstLineOf } from './lines.ts'
import { type AuditRecord, fileRecord } from './records.ts'

export interface LogFile {
  readonly number: number
  readonly path: string
  readonly bytes: number
}

/** A file whose lines verification found good. `bytes`: of these lines, without what a crash left behind them. */
export interface FoundFile {
  readonly number: number
  readonly from: Link
  readonly bytes: number
}

/** Oldest first. */
export async function listFiles(directory: string): Promise<LogFile[]> {
  const numbers = (await readdir(directory)).flatMap((name) => fileNumber(name) ?? []).sort((a, b) => a - b)
  return Promise.all(
    numbers.map(async (number) => {
      const path = join(directory, fileName(number))
      return { number, path, bytes: (await stat(path)).size }
    }),
  )
}

/** Drafts of files that a crash left behind hold nothing that the chain goes on from. */
export async function removeDrafts(directory: string): Promise<void> {
  const drafts = (await readdir(directory)).filter((name) => /^audit-\d{10}\.jsonl\.[0-9a-f-]{36}\.tmp$/.test(name))
  for (const name of drafts) await rm(join(directory, name), { force: true })
}

export async function removeFiles(directory: string, files: readonly LogFile[]): Promise<void> {
  for (const { path } of files) await rm(path, { force: true })
  await syncDirectory(directory)
}

export type FileRecord = Extract<AuditRecord, { type: 'file' }>

/** What the first line of a file says, its hash not checked. Undefined when it is not the first line of a log file. */
export async function headerOf(path: string): Promise<FileRecord | undefined> {
  try {
    const split = splitLine(((await firstLineOf(path)) ?? Buffer.alloc(0)).toString('utf8'))
    const parsed = split && fileRecord.safeParse(JSON.parse(split.body))
    return parsed?.success ? parsed.data : undefined
  } catch (error) {
    if (error instanceof SyntaxError || hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

/** The format that the first line of a file names, if it is one that this version does not know. */
export async function laterFormat(path: string): Promise<string | undefined> {
  const line = ((await firstLineOf(path)) ?? Buffer.alloc(0)).toString('utf8')
  const format = /"format":"(CAL\d{1,9})"/.exec(line)?.[1]
  return format === FORMAT ? undefined : format
}

/** Base64url of SHA-256 over a file from an offset to its end. */
export async function hashFrom(path: string, offset: number): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { start: offset })) if (chunk instanceof Buffer) hash.update(chunk)
  return hash.digest('base64url')
}
