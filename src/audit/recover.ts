import { CodedError } from '../base/errors.ts'
import type { Link } from './chain.ts'
import { type FileRecord, hashFrom, headerOf, type LogFile, laterFormat } from './files.ts'
import { chainHash, splitLine } from './format.ts'
import { holdsSignature } from './holds-signature.ts'
import type { PublicKeys } from './keys.ts'
import { linesOf } from './lines.ts'
import type { Torn } from './records.ts'

export type AuditLogErrorCode =
  /** The file that the chain would go on from does not even begin as one. */
  'AuditLogDamaged'

/** Where the chain stands in the last file of a directory. */
export interface Recovered {
  readonly head: Link
  /** Lines behind the last checkpoint. */
  readonly unsigned: number
  /** Of the whole and chained lines; what follows them is `torn` or `damaged`. */
  readonly goodBytes: number
  /** What an interrupted write left: the file stays as it is, and the next one says so. */
  readonly torn?: Torn
  /** Behind lines that do not chain a checkpoint is signed: no crash leaves that. */
  readonly damaged: boolean
}

/** Hashes are checked, what lines say is not: `coffer audit verify` does. Throws AuditLogDamaged. */
export async function recover(file: LogFile, keys: PublicKeys): Promise<Recovered> {
  const header = await headerOf(file.path)
  if (header?.file !== file.number) throw await wrongStart(file)
  const { head, unsigned, goodBytes } = await follow(file.path, header)
  if (goodBytes === 0) throw damagedStart(file)
  if (goodBytes === file.bytes) return { head, unsigned, goodBytes, damaged: false }
  if (await holdsSignature(file.path, goodBytes, keys)) return { head, unsigned, goodBytes, damaged: true }
  const torn = { bytes: file.bytes - goodBytes, sha256: await hashFrom(file.path, goodBytes) }
  return { head, unsigned, goodBytes, torn, damaged: false }
}

async function follow(path: string, header: FileRecord): Promise<Pick<Recovered, 'head' | 'unsigned' | 'goodBytes'>> {
  let head: Link = { seq: header.seq - 1, hash: header.prev }
  let [unsigned, goodBytes] = [0, 0]
  for await (const { bytes, offset, whole } of linesOf(path)) {
    const split = whole ? splitLine(bytes.toString('utf8')) : undefined
    if (!split || chainHash(head.hash, split.body) !== split.hash) break
    head = { seq: head.seq + 1, hash: split.hash }
    unsigned = split.signature === undefined ? unsigned + 1 : 0
    goodBytes = offset + bytes.length + 1
  }
  return { head, unsigned, goodBytes }
}

/**
 * Was the file before the last one changed, or the last one's word for it? Behind the lines that chain it has what the last
 * one calls torn, no signature among it, and nothing else.
 */
export async function isChanged(file: LogFile, last: LogFile, keys: PublicKeys): Promise<boolean> {
  const [header, next] = [await headerOf(file.path), await headerOf(last.path)]
  if (header?.file !== file.number) return true
  const { head, goodBytes } = await follow(file.path, header)
  if (head.hash !== next?.prev || file.bytes - goodBytes !== (next.torn?.bytes ?? 0)) return true
  if (!next.torn) return false
  return (
    next.torn.sha256 !== (await hashFrom(file.path, goodBytes)) || (await holdsSignature(file.path, goodBytes, keys))
  )
}

async function wrongStart(file: LogFile): Promise<CodedError<AuditLogErrorCode>> {
  const format = await laterFormat(file.path)
  if (format === undefined) return damagedStart(file)
  return new CodedError('AuditLogDamaged', `${file.path} has the format ${format}, of a later Coffer: start that one`)
}

const damagedStart = ({ path }: LogFile): CodedError<AuditLogErrorCode> =>
  new CodedError(
    'AuditLogDamaged',
    `${path} does not begin as a file of the audit log, so that the log cannot go on from it. Keep the directory as evidence: move it elsewhere, and a new log begins`,
  )
