import { createHasher } from '../../base/checksums.ts'
import type { ByteRange } from '../byte-range.ts'
import type { Manifest } from '../content.ts'
import type { Engine } from '../engine.ts'
import { ObjectsError } from '../errors.ts'
import { type KeySlot, type StoredDek, slotOf } from '../key-slots.ts'
import { blobOfPart } from '../part-blob.ts'
import type { BucketRecord, ObjectRecord } from '../records.ts'
import {
  encodeSealedHeader,
  type ForeignDek,
  type SealedHeader,
  type SealedPiece,
  type SealedReplica,
} from './sealed-format.ts'

type Reader = (range: ByteRange) => AsyncIterable<Buffer>

/** Reads everything once, for the digests. While the object is open: its bytes must stay. Throws ReplicaRefused. */
export async function sealedReplicaOf(
  engine: Engine,
  bucket: BucketRecord,
  key: string,
  record: ObjectRecord,
  manifest: Manifest,
): Promise<SealedReplica> {
  // The key of an outer layer lies under the bucket's own.
  if (record.sealing.outerKey) throw refused('an object in two layers leaves its bucket only opened')
  if (record.sealing.foreign) throw refused('it is a sealed replica itself')
  const stored = record.manifest
  const sealedManifest = 'sealed' in stored ? inMemory(stored.sealed) : await inStore(engine, stored.blob)
  const parts: (Piece & SealedPiece & { readonly number: number })[] = []
  for (const part of manifest.parts) {
    const { read, lengthBytes } = await inStore(engine, await blobOfPart(engine, record, part))
    parts.push({ number: part.number, read, ...(await pieceOf(read, lengthBytes)) })
  }
  const header: SealedHeader = {
    ...{ key, versionId: record.versionId, sizeBytes: record.sizeBytes },
    dek: foreignDek(bucket.id, record.blobId, slotOf(bucket, record.wrappedDek.slot), record.wrappedDek),
    manifest: await pieceOf(sealedManifest.read, sealedManifest.lengthBytes),
    parts: parts.map(({ read: _, ...piece }) => piece),
  }
  return joined([inMemory(encodeSealedHeader(header)), sealedManifest, ...parts])
}

const foreignDek = (bucketId: string, blobId: Buffer, slot: KeySlot, wrapped: StoredDek): ForeignDek => ({
  ...{ bucketId, blobId, rootKeyCrn: slot.rootKeyCrn },
  ...{ keyVersion: wrapped.keyVersion, ciphertext: wrapped.ciphertext },
  ...(wrapped.context === undefined ? {} : { context: wrapped.context }),
  ...(slot.kind === 'root' ? {} : { bucketKey: { keyId: slot.keyId, ...slot.wrapped } }),
})

interface Piece {
  readonly lengthBytes: number
  readonly read: Reader
}

const inMemory = (bytes: Buffer): Piece => ({
  lengthBytes: bytes.length,
  read: async function* ({ start, end }) {
    yield bytes.subarray(start, end)
  },
})

async function inStore({ blobs }: Engine, blob: string): Promise<Piece> {
  const info = await blobs.stat(blob)
  if (!info) throw new ObjectsError('ObjectDamaged', 'a part is missing')
  return { lengthBytes: info.lengthBytes, read: (range) => blobs.get(blob, range) }
}

async function pieceOf(read: Reader, lengthBytes: number): Promise<SealedPiece> {
  const hasher = createHasher('sha256')
  for await (const chunk of read({ start: 0, end: lengthBytes })) hasher.update(chunk)
  return { lengthBytes, sha256: hasher.digest() }
}

function joined(pieces: readonly Piece[]): SealedReplica {
  return {
    lengthBytes: pieces.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0),
    read: async function* ({ start, end }) {
      let offset = 0
      for (const { lengthBytes, read } of pieces) {
        const range = { start: Math.max(start - offset, 0), end: Math.min(end - offset, lengthBytes) }
        offset += lengthBytes
        if (range.start < range.end) yield* read(range)
      }
    },
  }
}

const refused = (message: string): ObjectsError => new ObjectsError('ReplicaRefused', message)
