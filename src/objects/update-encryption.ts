import type { BucketKeys } from './bucket-keys.ts'
import { currentBucket } from './commit-version.ts'
import type { Encryption } from './encrypting.ts'
import type { Engine } from './engine.ts'
import { ObjectsError } from './errors.ts'
import { type ChangeTarget, findObject, isConfirmed } from './find-version.ts'
import { findSlot, isOpen } from './key-slots.ts'
import type { ObjectRecord } from './records.ts'
import { rewrapRecord } from './rewrap-bucket.ts'
import { addSlot, findOpen, type WantedSlot } from './slot-choice.ts'

export interface EncryptionUpdate extends ChangeTarget {
  readonly encryption: Encryption
  readonly rootKeyCrn: string
  readonly bucketKey: boolean
}

const MAX_ATTEMPTS = 20

/** Puts the DEK of one object under another root key. No byte is read, and nothing that a client sees of the object changes but that. */
export async function updateEncryption(engine: Engine, keys: BucketKeys, update: EncryptionUpdate): Promise<void> {
  const { bucket, encryption, rootKeyCrn, bucketKey } = update
  const wanted: WantedSlot = { encryption, rootKeyCrn, kind: bucketKey ? 'bucket-key' : 'root' }
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { space, row, record } = await findObject(engine, update)
    if (!(await isConfirmed(update, record))) continue
    checkChangeable(record)
    const found = findOpen(currentBucket(engine, bucket), wanted)?.id
    const id = found ?? (await addSlot(engine, keys, bucket, wanted)).slot
    const now = currentBucket(engine, bucket)
    const slot = findSlot(now, id)
    if (!slot || !isOpen(slot)) continue
    if (record.wrappedDek.slot === slot.id) return
    try {
      if (await rewrapRecord(engine, keys, now, space, row, record, slot)) return
    } catch (error) {
      // What wrapped it is gone when somebody else has rewrapped or replaced it.
      const current = await engine.metadata.get(space, row.key)
      if (current?.token === row.token) throw error
    }
    await engine.buckets.refresh(bucket.name)
  }
  throw new ObjectsError('BucketBusy', 'the object changed at the same time')
}

/** S3: not what its customer keeps a key of, nor what is in two layers. */
function checkChangeable({ sealing }: ObjectRecord): void {
  if (!sealing.customerKeyCheck && !sealing.outerKey) return
  throw new ObjectsError(
    'EncryptionFixed',
    'The encryption of objects that are encrypted with SSE-C or DSSE-KMS cannot be updated.',
  )
}
