import { isUtf8 } from 'node:buffer'
import { canonicalJson } from '../envelope/canonical-json.ts'
import type { Link } from './chain.ts'
import { chainHash, MAX_LINE_BYTES, type SplitLine, splitLine } from './format.ts'
import { isSignedBy, type PublicKeys } from './keys.ts'
import { type AuditRecord, auditRecord } from './records.ts'

export interface CheckedLine {
  readonly record: AuditRecord
  readonly link: Link
}

export interface BadLine {
  readonly problem: string
  /** As the line itself says; it may lie. */
  readonly seq?: number
}

/**
 * A line in its place behind `head`, or what is wrong with it. Without a head, for the first line of an excerpt, the line
 * itself says what it goes on from.
 */
export function checkLine(bytes: Buffer, head: Link | undefined, keys: PublicKeys): CheckedLine | BadLine {
  if (bytes.length > MAX_LINE_BYTES) return { problem: 'the line is too long' }
  if (!isUtf8(bytes)) return { problem: 'the line is not UTF-8' }
  const split = splitLine(bytes.toString('utf8'))
  if (!split) return { problem: 'the line does not end with its hash' }
  const parsed = parse(split.body)
  if (parsed === undefined) return { problem: 'the line is not JSON' }
  const record = auditRecord.safeParse(parsed)
  const seq = record.success ? { seq: record.data.seq } : {}
  const from = head ?? (record.success ? anchorOf(record.data) : undefined)
  if (!from) return { problem: 'an excerpt begins with a checkpoint or with the first line of a file', ...seq }
  if (chainHash(from.hash, split.body) !== split.hash) return { problem: mismatch(record.data?.seq, from), ...seq }
  if (!record.success || canonicalJson(parsed) !== split.body)
    return { problem: 'the line is no record of the log', ...seq }
  if (record.data.seq !== from.seq + 1) return { problem: `the sequence number should be ${from.seq + 1}`, ...seq }
  const problem = wrongSelf(record.data, split, from, keys)
  return problem === undefined
    ? { record: record.data, link: { seq: record.data.seq, hash: split.hash } }
    : { problem, ...seq }
}

function parse(body: string): unknown {
  try {
    const parsed: unknown = JSON.parse(body)
    return parsed
  } catch {
    return undefined
  }
}

/** What the line says that it goes on from. */
export const anchorOf = (record: AuditRecord): Link | undefined =>
  record.type === 'file' || record.type === 'checkpoint' ? { seq: record.seq - 1, hash: record.prev } : undefined

function mismatch(seq: number | undefined, from: Link): string {
  if (seq !== undefined && seq > from.seq + 1)
    return `the lines from ${from.seq + 1} to ${seq - 1} are missing before it`
  if (seq !== undefined && seq <= from.seq)
    return `the line is out of its place: ${from.seq + 1} should follow ${from.seq}`
  return 'the line, or what it follows, was changed: its hash does not fit'
}

/** What is wrong with what the log says about itself. */
function wrongSelf(record: AuditRecord, split: SplitLine, from: Link, keys: PublicKeys): string | undefined {
  if ((record.type === 'checkpoint') !== (split.signature !== undefined)) return 'only checkpoints are signed'
  if (record.type === 'dropped' && record.throughSeq >= record.seq) return 'the line says that later ones were removed'
  if (record.type !== 'checkpoint' && record.type !== 'file') return undefined
  if (record.prev !== from.hash) return 'the line goes on from another one than it says'
  if (record.type === 'file' || split.signature === undefined) return undefined
  const key = keys.get(record.keyId)
  if (!key) return `the checkpoint is of another key (${record.keyId})`
  return isSignedBy(key, split.hash, split.signature)
    ? undefined
    : 'the signature is not of this checkpoint: it, or a line since the last good checkpoint, was changed'
}
