import { z } from 'zod'
import { dualAuthPolicySchema, rotationPolicySchema } from './key-policies.ts'
import { KEY_STATE, type KeyState } from './key-states.ts'
import { recordCodec } from './record.ts'

/** Times are milliseconds since the Unix epoch. */
const keySchema = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  description: z.string().exactOptional(),
  tags: z.array(z.string()),
  /** false: a root key, whose material never leaves; true: a standard key, whose payload may be read. */
  extractable: z.boolean(),
  imported: z.boolean(),
  keyRingId: z.string(),
  /** What was last commanded; `keyState` adds the passing of time. */
  state: z.literal([KEY_STATE.active, KEY_STATE.suspended, KEY_STATE.destroyed]),
  createdAt: z.number(),
  createdBy: z.string(),
  updatedAt: z.number(),
  stateChangedAt: z.number(),
  expiresAt: z.number().exactOptional(),
  rotatedAt: z.number().exactOptional(),
  deletedAt: z.number().exactOptional(),
  deletedBy: z.string().exactOptional(),
  syncedAt: z.number().exactOptional(),
  rotation: rotationPolicySchema.exactOptional(),
  dualAuthDelete: dualAuthPolicySchema.exactOptional(),
  /** The material of a deleted key has been destroyed for good. */
  erased: z.boolean(),
})

export type KeyRecord = Readonly<z.infer<typeof keySchema>>

export const keyRecords = recordCodec<KeyRecord>('key record', keySchema)

/** Key Protect: a key whose expiration date has passed is deactivated, without anybody's doing. */
export function keyState(key: KeyRecord, now: number): KeyState {
  return key.state === KEY_STATE.active && key.expiresAt !== undefined && key.expiresAt <= now
    ? KEY_STATE.deactivated
    : key.state
}
