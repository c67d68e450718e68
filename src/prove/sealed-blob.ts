import type { ByteSource } from '../decrypt/bytes.ts'
import { TAG_BYTES } from '../decrypt/ciphers.ts'
import { SMALL_ENVELOPE_OVERHEAD, smallEnvelopeProblem } from '../decrypt/small-envelope.ts'
import { PART_HEADER_BYTES, partHeaderProblem, segmentBytesOf } from '../decrypt/stored-part.ts'
import type { Findings } from './findings.ts'
import { knownBeginning, notRandom } from './randomness.ts'
import type { Tally } from './tally.ts'

const SMALL_HEADER_BYTES = SMALL_ENVELOPE_OVERHEAD - TAG_BYTES

export interface BlobCheck {
  readonly kind: string
  readonly where: string
  readonly isRemoved: boolean
  /** A write that was cut short is possible here: a file of its own, or the end of a pack. */
  readonly mayBeCut: boolean
}

/** Without keys: whether a blob is what Coffer stores, a sealed part or a sealed manifest, and its ciphertext looks like one. */
export function checkBlob(blob: ByteSource, check: BlobCheck, tally: Tally, findings: Findings): void {
  const { kind, where, isRemoved } = check
  const head = blob.read(0, Math.min(blob.length, PART_HEADER_BYTES))
  const isSmall = head.toString('latin1', 0, 4) === 'SEV1'
  const headerBytes = isSmall ? SMALL_HEADER_BYTES : PART_HEADER_BYTES
  const problem = isSmall ? smallEnvelopeProblem(headOf(blob)) : partHeaderProblem(head)
  if (problem !== undefined) {
    if (check.mayBeCut && isCutHeader(head, blob.length))
      findings.note(where, `a write of ${blob.length} bytes that was cut short`)
    else findings.problem(where, `the blob ${problem}`)
    tally.unexplained(kind, blob.length)
    return
  }
  if (isSmall && head[6] !== 1) findings.problem(where, `a small envelope of kind ${head[6]} is no blob`)
  tally.blob(isSmall ? 'manifest' : 'part', isRemoved)
  tally.clear(kind, headerBytes)
  const segmentBytes = isSmall ? Number.MAX_SAFE_INTEGER : segmentBytesOf(head) + TAG_BYTES
  const body = blob.length - headerBytes
  if (!isWholeBody(body, segmentBytes))
    findings[check.mayBeCut ? 'note' : 'problem'](
      where,
      `${blob.length} bytes are the length of no part: it was cut short`,
    )
  checkBody(blob, headerBytes, Math.min(segmentBytes, 1024 * 1024), check, tally, findings)
}

function checkBody(
  blob: ByteSource,
  from: number,
  step: number,
  { kind, where }: BlobCheck,
  tally: Tally,
  findings: Findings,
): void {
  for (let at = from; at < blob.length; at += step) {
    const bytes = blob.read(at, Math.min(step, blob.length - at))
    const why = (at === from ? knownBeginning(bytes) : undefined) ?? notRandom(bytes)
    if (why === undefined) tally.sealed(kind, bytes.length)
    else {
      findings.problem(`${where} @${at}`, `${bytes.length} bytes that are no ciphertext: ${why}`)
      tally.unexplained(kind, bytes.length)
    }
  }
}

const headOf = (blob: ByteSource): Buffer => blob.read(0, Math.min(blob.length, SMALL_ENVELOPE_OVERHEAD))

/** A part without plaintext is one tag; else each segment but the last is full, and the last has plaintext and a tag. */
function isWholeBody(body: number, segmentBytes: number): boolean {
  const last = body % segmentBytes
  return body === TAG_BYTES || (body > 0 && (last === 0 || last > TAG_BYTES))
}

/** What there is of a header is right. */
function isCutHeader(head: Buffer, length: number): boolean {
  if (length >= PART_HEADER_BYTES) return false
  const magic = head.toString('latin1', 0, 4)
  return 'OEF1'.startsWith(magic) || 'SEV1'.startsWith(magic)
}
