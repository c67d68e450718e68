import { z } from 'zod'
import { invalidField } from './errors.ts'
import { recordCodec } from './record.ts'

const keyRingSchema = z.strictObject({ createdAt: z.number(), createdBy: z.string() })

export type KeyRingRecord = Readonly<z.infer<typeof keyRingSchema>>

export const keyRingRecords = recordCodec<KeyRingRecord>('key ring record', keyRingSchema)

/** Every instance has it from the start: it has no record and cannot be made or deleted. */
export const DEFAULT_RING = 'default'
/** Besides `default`. */
export const MAX_RINGS_OF_INSTANCE = 50

/** Throws InvalidField. */
export function assertRingId(ring: string): void {
  if (!/^[A-Za-z0-9-]{2,100}$/.test(ring)) {
    throw invalidField('id', 'the id of a key ring has 2 to 100 letters, digits or hyphens')
  }
}
