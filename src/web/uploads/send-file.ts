import { queryText } from '../client/http.ts'
import { completeUpload, createUpload, listParts, type PartEntry, type UploadName } from '../client/multipart.ts'
import { headObject } from '../client/s3.ts'
import { objectPath } from '../client/s3-path.ts'
import { upload } from '../client/upload-part.ts'
import { crc32, crc32Of, crc32Text, joinCrc32 } from './crc32.ts'
import { createTurns } from './turns.ts'
import type { PartState } from './upload-list.ts'

const MIB = 1024 * 1024
/** Larger ones go in parts. */
export const WHOLE_BYTES = 16 * MIB
const PART_BYTES = 8 * MIB
const MOST_PARTS = 10_000
const REQUESTS = 4

/** All requests of all uploads: a browser has six connections for everything. */
const requests = createTurns(REQUESTS)

export const partBytesOf = (sizeBytes: number): number =>
  Math.max(PART_BYTES, Math.ceil(Math.ceil(sizeBytes / MOST_PARTS) / MIB) * MIB)

export interface SendOptions {
  readonly bucket: string
  readonly key: string
  readonly file: File
  readonly signal: AbortSignal
  readonly onProgress: (sentBytes: number, parts?: readonly PartState[]) => void
}

const bytesOf = async (blob: Blob): Promise<Uint8Array> => new Uint8Array(await blob.arrayBuffer())
const typeOf = (file: File): string => file.type || 'application/octet-stream'

/** In one request. Resolves to its CRC-32, which the server has checked, and says that it has. */
export async function sendWhole({ bucket, key, file, signal, onProgress }: SendOptions): Promise<string> {
  const done = await requests.take(signal)
  try {
    const checksum = crc32Text(crc32(await bytesOf(file)))
    const headers = { 'content-type': typeOf(file), 'x-amz-checksum-crc32': checksum }
    const answer = await upload({ url: objectPath(bucket, key), body: file, headers, onProgress, signal })
    checkStored(answer, checksum)
    return checksum
  } finally {
    done()
  }
}

/** Throws when the server does not say that what it stored is what was sent. */
export function checkStored(answer: Headers, checksum: string): void {
  const stored = answer.get('x-amz-checksum-crc32')
  if (stored === null)
    throw new Error(
      'The server does not say the CRC-32 of what it stored, so it is not known whether it has what was sent.',
    )
  if (stored !== checksum)
    throw new Error(`The server has other bytes than were sent: CRC-32 ${stored}, not ${checksum}.`)
}

export interface PartsOptions extends SendOptions {
  readonly partBytes: number
  /** Of an upload that was begun before. */
  readonly uploadId: string | undefined
  readonly onBegun: (uploadId: string) => void
  readonly onPart: () => void
  /** It is there, and what is stored is read. */
  readonly onStored: () => void
}

interface SentPart {
  readonly partNumber: number
  readonly etag: string
  readonly crc: number
}

/** What is there of a file in parts, and what is missing. */
export function partsThatAre(found: readonly PartEntry[], sizeBytes: number, partBytes: number) {
  const count = Math.ceil(sizeBytes / partBytes)
  const sizeOf = (index: number): number => Math.min(partBytes, sizeBytes - index * partBytes)
  const states: PartState[] = Array.from({ length: count }, () => 'waiting')
  const sent: (SentPart | undefined)[] = Array.from({ length: count })
  const sentBytes = new Array<number>(count).fill(0)
  for (const { partNumber, etag, sizeBytes: bytes, crc32: text } of found) {
    const crc = text === undefined ? undefined : crc32Of(text)
    if (crc === undefined || partNumber > count || bytes !== sizeOf(partNumber - 1)) continue
    sent[partNumber - 1] = { partNumber, etag, crc }
    sentBytes[partNumber - 1] = bytes
    states[partNumber - 1] = 'done'
  }
  return { sizeOf, states, sent, sentBytes }
}

/** In parts, of which those that are there already are not sent again. Resolves to the CRC-32 of all, which the server has checked. */
export async function sendParts(options: PartsOptions): Promise<string> {
  const { bucket, key, file, signal, partBytes, onProgress, onBegun, onPart, onStored } = options
  const name = await begin(options)
  onBegun(name.uploadId)
  const { sizeOf, states, sent, sentBytes } = partsThatAre(await listParts(name), file.size, partBytes)
  const report = (): void =>
    onProgress(
      sentBytes.reduce((sum, bytes) => sum + bytes, 0),
      [...states],
    )
  report()

  const failing = new AbortController()
  const either = AbortSignal.any([signal, failing.signal])
  const sendPart = async (index: number): Promise<void> => {
    const done = await requests.take(either)
    try {
      states[index] = 'running'
      report()
      const body = file.slice(index * partBytes, index * partBytes + sizeOf(index))
      const crc = crc32(await bytesOf(body))
      const url = objectPath(bucket, key) + queryText({ uploadId: name.uploadId, partNumber: index + 1 })
      const progress = (bytes: number): void => {
        sentBytes[index] = Math.min(bytes, sizeOf(index))
        report()
      }
      const headers = { 'x-amz-checksum-crc32': crc32Text(crc) }
      const answer = await upload({ url, body, headers, onProgress: progress, signal: either })
      sent[index] = { partNumber: index + 1, etag: answer.get('etag') ?? '', crc }
      sentBytes[index] = sizeOf(index)
      states[index] = 'done'
      onPart()
    } catch (error) {
      states[index] = 'waiting'
      sentBytes[index] = 0
      failing.abort(error)
      throw error
    } finally {
      done()
      report()
    }
  }
  await Promise.all(states.flatMap((state, index) => (state === 'done' ? [] : [sendPart(index)])))
  const parts = sent.filter((part) => part !== undefined)
  const crc = parts.reduce((sum, part, index) => (index === 0 ? part.crc : joinCrc32(sum, part.crc, sizeOf(index))), 0)
  const checksum = crc32Text(crc)
  await completeUpload(
    name,
    parts.map((part) => ({ partNumber: part.partNumber, etag: part.etag, crc32: crc32Text(part.crc) })),
    { 'x-amz-checksum-crc32': checksum, 'x-amz-checksum-type': 'FULL_OBJECT' },
  )
  onStored()
  checkStored(await headObject(bucket, key), checksum)
  return checksum
}

async function begin({ bucket, key, file, uploadId }: PartsOptions): Promise<UploadName> {
  if (uploadId !== undefined) return { bucket, key, uploadId }
  return createUpload(bucket, key, {
    'content-type': typeOf(file),
    'x-amz-checksum-algorithm': 'CRC32',
    'x-amz-checksum-type': 'FULL_OBJECT',
  })
}
