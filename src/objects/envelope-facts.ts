import { hasCode } from '../base/errors.ts'
import { decodeHeader, PREFIX_BYTES } from '../envelope/header.ts'
import { plainLength, sealedLength, segmentCount } from '../envelope/segment.ts'
import { publicSha256 } from '../envelope/sha256.ts'
import type { BlobStoreErrorCode } from '../storage/blob/blob-store.ts'
import { currentOf } from './buckets.ts'
import type { Engine } from './engine.ts'
import { findObject, type VersionTarget } from './find-version.ts'
import { findSlot, type KeySlot, type Protection, protectionOf, rootVersionOf, slotOf } from './key-slots.ts'
import type { ObjectRecord } from './records.ts'
import { partRows } from './verify/stored-parts.ts'

/** How an object version is sealed, as far as it can be told without any key: of a locked bucket, too. */
export interface EnvelopeFacts {
  readonly versionId: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  /** Identity of the envelope, hex. */
  readonly envelopeId: string
  readonly protection: Protection
  /** A key of the bucket's, which the root key wraps and which wraps the DEK. */
  readonly bucketKeyId?: string
  /** What wraps the DEK stays under its root key, wherever the bucket moves. */
  readonly isOwnKey: boolean
  readonly slot: number
  /** Of the root key, which the DEK depends on. */
  readonly rootKeyVersion: string
  readonly wrappedDek: WrappedFacts
  /** The bytes are those that another bucket sealed. */
  readonly isSealedReplica: boolean
  /** Undefined when the stored bytes are not as the record says. */
  readonly stored: StoredFacts | undefined
}

interface WrappedFacts {
  /** The first 16 bytes of SHA-256 over what is wrapped, hex: says nothing about the key. */
  readonly fingerprint: string
  readonly lengthBytes: number
  /** An encryption context that the client gave is bound to it. */
  readonly hasContext: boolean
}

/** Of all parts together. */
interface StoredFacts {
  readonly format: 'OEF1'
  readonly segmentBytes: number
  readonly parts: number
  /** From the innermost layer on. */
  readonly layers: readonly { readonly segments: number; readonly ciphertextBytes: number }[]
}

/** Each but the first means that the object was rewrapped meanwhile. */
const MAX_ATTEMPTS = 5

/** Throws NoSuchKey, NoSuchVersion, DeleteMarker. */
export async function envelopeFacts(engine: Engine, target: VersionTarget): Promise<EnvelopeFacts> {
  for (let attempt = 1; ; attempt++) {
    const { record } = await findObject(engine, target)
    const bucket = currentOf(engine.buckets)(target.bucket)
    const slot = findSlot(bucket, record.wrappedDek.slot)
    if (!slot && attempt < MAX_ATTEMPTS) continue
    return factsOf(record, slot ?? slotOf(bucket, record.wrappedDek.slot), protectionOf(bucket, record), {
      stored: await storedFacts(engine, record),
    })
  }
}

function factsOf(
  record: ObjectRecord,
  slot: KeySlot,
  protection: Protection,
  { stored }: Pick<EnvelopeFacts, 'stored'>,
): EnvelopeFacts {
  const { versionId, sizeBytes, modifiedAtMs, blobId, wrappedDek, sealing } = record
  return {
    ...{ versionId, sizeBytes, modifiedAtMs, protection, stored },
    envelopeId: blobId.toString('hex'),
    ...(slot.kind === 'bucket-key' ? { bucketKeyId: slot.keyId } : {}),
    isOwnKey: slot.own === true,
    slot: slot.id,
    rootKeyVersion: rootVersionOf(slot, wrappedDek),
    wrappedDek: {
      fingerprint: publicSha256(wrappedDek.ciphertext).toString('hex', 0, 16),
      lengthBytes: wrappedDek.ciphertext.length,
      hasContext: wrappedDek.context !== undefined,
    },
    isSealedReplica: sealing.foreign === true,
  }
}

type Reading = Pick<Engine, 'metadata' | 'blobs'>

async function storedFacts(engine: Reading, record: ObjectRecord): Promise<StoredFacts | undefined> {
  const found = await partsOf(engine, record)
  const [first] = found?.blobs ?? []
  if (!found || first === undefined) return undefined
  const segmentBytes = await segmentBytesOf(engine, first)
  if (segmentBytes === undefined) return undefined
  const inner = layerOf(found.plainBytes, segmentBytes)
  const outer = layerOf(
    found.plainBytes.map((bytes) => sealedLength(bytes, segmentBytes)),
    segmentBytes,
  )
  return {
    ...{ format: 'OEF1', segmentBytes, parts: found.plainBytes.length },
    layers: record.sealing.outerKey ? [inner, outer] : [inner],
  }
}

const layerOf = (plainBytes: readonly number[], segmentBytes: number) => ({
  segments: sumOf(plainBytes.map((bytes) => segmentCount(bytes, segmentBytes))),
  ciphertextBytes: sumOf(plainBytes.map((bytes) => sealedLength(bytes, segmentBytes))),
})

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0)

/** What was sealed of each part, and where it lies. */
async function partsOf(engine: Reading, { data, sealing, sizeBytes, blobId }: ObjectRecord) {
  if ('blob' in data) {
    const info = await engine.blobs.stat(data.blob)
    const sealedBytes = sealing.foreign && info ? plainLength(info.lengthBytes) : sizeBytes
    return info && sealedBytes !== undefined ? { plainBytes: [sealedBytes], blobs: [data.blob] } : undefined
  }
  const rows = [...(await partRows(engine, blobId)).values()]
  const parts = rows.flatMap((row) => (row instanceof Error ? [] : [row]))
  // Parts that the completion left out are removed a moment later.
  if (parts.length !== data.partCount) return undefined
  return { plainBytes: parts.map((part) => part.sizeBytes), blobs: parts.map(({ blob }) => blob) }
}

/** As the stored bytes themselves begin. */
async function segmentBytesOf({ blobs }: Pick<Reading, 'blobs'>, blob: string): Promise<number | undefined> {
  try {
    const chunks: Buffer[] = []
    for await (const chunk of blobs.get(blob, { start: 0, end: PREFIX_BYTES })) chunks.push(chunk)
    return decodeHeader(Buffer.concat(chunks)).segmentSize
  } catch (error) {
    if (hasCode<BlobStoreErrorCode | 'EnvelopeForged'>(error, 'BlobMissing', 'BlobTorn', 'EnvelopeForged'))
      return undefined
    throw error
  }
}
