import type { WrapContext } from '../envelope/key-provider.ts'

/** Bound into each wrap, so that a wrapped key opens only for the bucket and the envelope it was made for. */
export const dekContext = (bucketId: string, blobId: Buffer, encryptionContext?: string): WrapContext => [
  'oef1',
  'dek',
  bucketId,
  blobId.toString('hex'),
  ...(encryptionContext === undefined ? [] : [encryptionContext]),
]
export const metadataKeyContext = (bucketId: string): WrapContext => ['oef1', 'bmk', bucketId]

/** Of the canary of a slot. */
export const canaryContext = (bucketId: string, slot: number): WrapContext => ['oef1', 'can', bucketId, String(slot)]
