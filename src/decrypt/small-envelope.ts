import { listOf } from './bytes.ts'
import { gcmOpen, hkdf, sameBytes, sha256, TAG_BYTES } from './ciphers.ts'
import { forged } from './errors.ts'

// docs/envelope-format.md, section 4.

const HEADER_BYTES = 40
const COMMITMENT_END = 72
export const SMALL_ENVELOPE_OVERHEAD = COMMITMENT_END + TAG_BYTES

/** Without keys: what is wrong with the bytes as a small envelope, in words; undefined when nothing is. */
export function smallEnvelopeProblem(envelope: Buffer): string | undefined {
  if (envelope.length < SMALL_ENVELOPE_OVERHEAD) return 'is too short for a small envelope'
  if (envelope.toString('latin1', 0, 4) !== 'SEV1') return 'has not the magic of a small envelope'
  if (envelope[4] !== 1 || envelope[5] !== 1) return 'has another version or suite'
  const kind = envelope[6] ?? 0
  if (kind < 1 || kind > 5) return 'is of no known kind'
  return envelope[7] === 0 ? undefined : 'has a reserved byte that is not zero'
}

export interface SmallOpening {
  readonly kind: number
  readonly key: Uint8Array
  readonly context: readonly string[]
  /** Compared when it is known. */
  readonly reference?: Uint8Array
}

/** Throws Forged, naming `what`. */
export function openSmall(opening: SmallOpening, envelope: Buffer, what: string): Buffer {
  const { kind, key, context, reference } = opening
  const problem = smallEnvelopeProblem(envelope)
  if (problem !== undefined) throw forged(`${what} ${problem}`)
  if (envelope[6] !== kind) throw forged(`${what} is of kind ${envelope[6]}, not ${kind}`)
  if (reference && !sameBytes(envelope.subarray(8, 24), reference)) throw forged(`${what} refers to another key`)
  const header = envelope.subarray(0, HEADER_BYTES)
  const salt = envelope.subarray(24, HEADER_BYTES)
  const contextHash = sha256(Buffer.concat([Buffer.from('SEV1/ctx\0'), listOf(context)]))
  const derived = (label: string): Buffer => hkdf(key, salt, Buffer.concat([Buffer.from(label), header, contextHash]))
  const commitment = envelope.subarray(HEADER_BYTES, COMMITMENT_END)
  if (!sameBytes(commitment, derived('SEV1/cmt\0')))
    throw forged(`the commitment of ${what} is of another key or place`)
  const aad = Buffer.concat([header, commitment, contextHash])
  return gcmOpen(derived('SEV1/key\0'), Buffer.alloc(12), aad, envelope.subarray(COMMITMENT_END), what)
}
