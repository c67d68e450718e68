/**
 * What S3 calls the upload id: `u48 time in ms ‖ id of the upload's envelope`, 44 hex digits. The time comes first
 * because S3 lists the uploads of one key in the order in which they were started.
 */
const TIME_BYTES = 6
const ENVELOPE_ID_BYTES = 16
export const UPLOAD_ID_BYTES = TIME_BYTES + ENVELOPE_ID_BYTES

export function newUploadId(startedAtMs: number, envelopeId: Buffer): Buffer {
  const id = Buffer.alloc(UPLOAD_ID_BYTES)
  id.writeUIntBE(startedAtMs, 0, TIME_BYTES)
  id.set(envelopeId, TIME_BYTES)
  return id
}

/** Undefined for an id that no server could have given out. */
export const parseUploadId = (text: string): Buffer | undefined =>
  /^[0-9a-f]{44}$/.test(text) ? Buffer.from(text, 'hex') : undefined

export const envelopeIdOf = (uploadId: Buffer): Buffer => uploadId.subarray(TIME_BYTES)

/** When the upload was started. */
export const startOf = (uploadId: Buffer): number => uploadId.readUIntBE(0, TIME_BYTES)
