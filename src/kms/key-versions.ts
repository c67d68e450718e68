import { z } from 'zod'
import { ownCopy } from '../base/bytes.ts'
import { recordCodec } from './record.ts'

/** A stretch of a key's life between two rotations. A standard key has exactly one. */
const storedVersionSchema = z.strictObject({
  id: z.uuid(),
  createdAt: z.number(),
  /** Base64 of the sealed material; null once destroyed. */
  sealed: z.base64().nullable(),
})

const storedVersions = recordCodec('key version record', storedVersionSchema)

export interface KeyVersion {
  readonly id: string
  readonly sequence: number
  readonly createdAt: number
  /** Material under the sealing key (SEV1 kind 4); undefined once destroyed. */
  readonly sealed: Buffer | undefined
}

export function encodeVersion({ id, createdAt, sealed }: KeyVersion): Buffer {
  return storedVersions.encode({ id, createdAt, sealed: sealed?.toString('base64') ?? null })
}

/** Throws KeyDamaged. */
export function decodeVersion(sequence: number, bytes: Buffer): KeyVersion {
  const { id, createdAt, sealed } = storedVersions.decode(bytes)
  return { id, sequence, createdAt, sealed: sealed === null ? undefined : ownCopy(Buffer.from(sealed, 'base64')) }
}
