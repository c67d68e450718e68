import { headerOf, listFiles } from './files.ts'
import { splitLine } from './format.ts'
import { linesOf } from './lines.ts'
import { type AuditRecord, auditRecord } from './records.ts'

/** A sequence number, or a point in time (UTC, with milliseconds, as in the log). */
export type Position = { readonly seq: number } | { readonly time: string }

export interface Range {
  /** Default: from the beginning. */
  readonly from?: Position
  /** The last line. Default: to the end. */
  readonly to?: Position
}

/**
 * The lines of a range as they are in the log, with what makes them an excerpt that can be verified: it begins with the
 * checkpoint or the file's first line before the range and ends with the checkpoint behind it, where there is one.
 */
export async function* exportLines(directory: string, { from, to }: Range): AsyncGenerator<string> {
  let before: string[] = []
  let [begun, ended] = [false, false]
  for (const path of await pathsFrom(directory, from)) {
    for await (const { bytes, whole } of linesOf(path)) {
      const line = bytes.toString('utf8')
      const record = whole ? recordOf(line) : undefined
      // Verification says what is wrong with such a line; what follows it in this file is not of the chain.
      if (!record) break
      ended ||= to !== undefined && isAfter(record, to)
      if (ended && !begun) return
      if (!begun) {
        if (record.type === 'file' || record.type === 'checkpoint') before = []
        before.push(`${line}\n`)
        if (from !== undefined && isBefore(record, from)) continue
        begun = true
        yield* before
      } else {
        yield `${line}\n`
      }
      if (ended && record.type === 'checkpoint') return
    }
  }
}

/** Files that end before the range are not read. */
async function pathsFrom(directory: string, from: Position | undefined): Promise<readonly string[]> {
  const paths = (await listFiles(directory)).map(({ path }) => path)
  if (from === undefined) return paths
  let first = 0
  for (const [index, path] of paths.entries()) {
    const header = await headerOf(path)
    if (header && isBefore(header, from)) first = index
  }
  return paths.slice(first)
}

function recordOf(line: string): AuditRecord | undefined {
  const split = splitLine(line)
  if (!split) return undefined
  try {
    return auditRecord.safeParse(JSON.parse(split.body)).data
  } catch {
    return undefined
  }
}

type Place = Pick<AuditRecord, 'seq' | 'time'>
const isBefore = ({ seq, time }: Place, position: Position): boolean =>
  'seq' in position ? seq < position.seq : time < position.time
const isAfter = ({ seq, time }: Place, position: Position): boolean =>
  'seq' in position ? seq > position.seq : time > position.time
