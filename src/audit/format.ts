import { hash } from 'node:crypto'

/** Version of everything that docs/audit-log.md says. */
export const FORMAT = 'CAL1'

/** Hash before the first line: 32 zero bytes. */
export const NO_HASH = 'A'.repeat(43)

/** A longer line is none of ours, and nobody has to keep it in memory. Without its newline. */
export const MAX_LINE_BYTES = 65_536

const BEFORE_HASH = ',"hash":"'
const BEFORE_SIGNATURE = '","signature":"'
const END = '"}'
const HASH_LENGTH = 43
const SIGNATURE_LENGTH = 86
const HASH_TAIL = BEFORE_HASH.length + HASH_LENGTH + END.length
const SIGNATURE_TAIL = HASH_TAIL + BEFORE_SIGNATURE.length + SIGNATURE_LENGTH

/** Base64url of SHA-256 over the hash of the line before, as text, and the body of this one. */
export const chainHash = (previous: string, body: string): string => hash('sha256', previous + body, 'base64url')

/** The line of a body, with its newline. Only checkpoints are signed. */
export function formatLine(body: string, lineHash: string, signature?: string): string {
  const signed = signature === undefined ? '' : `${BEFORE_SIGNATURE}${signature}`
  return `${body.slice(0, -1)}${BEFORE_HASH}${lineHash}${signed}${END}\n`
}

/** What the signature of a checkpoint is over. */
export const signedText = (lineHash: string): Buffer => Buffer.from(`coffer-audit-checkpoint-1\n${lineHash}`, 'latin1')

export interface SplitLine {
  readonly body: string
  readonly hash: string
  readonly signature: string | undefined
}

/** Takes a line without its newline apart by the fixed lengths of what closes it. Undefined when it is not so closed. */
export function splitLine(line: string): SplitLine | undefined {
  if (!line.endsWith(END)) return undefined
  const signed = line.startsWith(
    BEFORE_SIGNATURE,
    line.length - END.length - SIGNATURE_LENGTH - BEFORE_SIGNATURE.length,
  )
  const at = line.length - (signed ? SIGNATURE_TAIL : HASH_TAIL)
  if (at < 1 || !line.startsWith(BEFORE_HASH, at)) return undefined
  const hashAt = at + BEFORE_HASH.length
  const lineHash = line.slice(hashAt, hashAt + HASH_LENGTH)
  const signature = signed ? line.slice(-END.length - SIGNATURE_LENGTH, -END.length) : undefined
  return { body: `${line.slice(0, at)}}`, hash: lineHash, signature }
}

/** `audit-0000000001.jsonl` */
export const fileName = (number: number): string => `audit-${String(number).padStart(10, '0')}.jsonl`

export function fileNumber(name: string): number | undefined {
  const digits = /^audit-(\d{10})\.jsonl$/.exec(name)?.[1]
  return digits === undefined || Number(digits) === 0 ? undefined : Number(digits)
}
