import { type BlobDirectories, openBlob, readBlob } from './blobs.ts'
import { indexAad } from './buckets.ts'
import { type ByteSource, u32 } from './bytes.ts'
import { hkdf, KEY_BYTES, sameBytes } from './ciphers.ts'
import { damaged, forged, keyMissing } from './errors.ts'
import { members, optionalText, parseJson, textIn } from './json.ts'
import { type Manifest, type ManifestPart, openManifestJson, readManifest } from './manifest.ts'
import type { ObjectRow } from './objects.ts'
import type { Rows } from './rows.ts'
import { readRecord } from './sealed-record.ts'
import { openPart, partContext, storedLength } from './stored-part.ts'

// docs/record-format.md, section 9, steps 5 to 7.

const PART = 5
const PIECE_BYTES = 1024 * 1024
/** Segments of both layers of what is sealed twice. */
const LAYER_SEGMENT_BYTES = 64 * 1024

export interface ContentKeys {
  /** Keys of customers (SSE-C): each is tried. */
  readonly customerKeys: readonly Buffer[]
  /** The DEK itself, where somebody else unwrapped it. */
  readonly dek?: Buffer | undefined
}

export interface OpenedObject {
  readonly manifest: Manifest
  /** The plaintext, in pieces, each verified before it is given out. Throws Forged, Damaged. */
  readonly pieces: () => Generator<Buffer>
  /** The same, to be read anywhere. */
  readonly source: () => ByteSource & { readonly close: () => void }
}

/** Throws KeyMissing, Forged, Damaged. */
export function openObject(rows: Rows, blobs: BlobDirectories, object: ObjectRow, keys: ContentKeys): OpenedObject {
  const { bucket, key, versionId, blobId } = object
  const dek = keys.dek ?? openDek(object, keys)
  const sealed = 'blob' in object.manifest ? readBlob(blobs, object.manifest.blob) : object.manifest.sealed
  const manifest = readManifest(openManifestJson(dek, { bucketId: bucket.id, key, versionId, blobId }, sealed))
  checkAgreement(object, manifest)
  const outer = optionalText(object.sealing, 'ok')
  const outerKey = outer === undefined ? undefined : openOuterKey(object, Buffer.from(outer, 'base64'))
  const open = (part: ManifestPart): OpenPart => {
    const id = 'blob' in object.content ? object.content.blob : blobOfPart(rows, blobId, part.number)
    const stored = openBlob(blobs, id)
    const identity = { bucketId: bucket.id, key, blobId, partNumber: part.number }
    try {
      const innerLength = storedLength(part.length, LAYER_SEGMENT_BYTES)
      const inner = outerKey ? openPart(outerKey, identity, part.salt, innerLength, stored) : stored
      return { ...openPart(dek, identity, part.salt, part.length, inner), close: stored.close }
    } catch (error) {
      stored.close()
      throw error
    }
  }
  return {
    manifest,
    pieces: function* () {
      for (const part of manifest.parts) {
        const opened = open(part)
        try {
          yield* inPieces(opened)
        } finally {
          opened.close()
        }
      }
    },
    source: () => joined(manifest, open),
  }
}

type OpenPart = ByteSource & { readonly close: () => void }

/** The parts as one run of bytes; the one that was read last stays open. */
function joined({ parts, sizeBytes }: Manifest, open: (part: ManifestPart) => OpenPart): OpenPart {
  let held: { readonly part: ManifestPart; readonly bytes: OpenPart } | undefined
  const close = (): void => {
    held?.bytes.close()
    held = undefined
  }
  const opened = (part: ManifestPart): OpenPart => {
    if (held?.part === part) return held.bytes
    close()
    held = { part, bytes: open(part) }
    return held.bytes
  }
  return {
    length: sizeBytes,
    read: (at, length) => {
      if (at < 0 || at + length > sizeBytes) throw damaged(`the content has no bytes ${at} to ${at + length}`)
      const pieces: Buffer[] = []
      let begin = 0
      for (const part of parts) {
        const from = Math.max(at, begin) - begin
        const to = Math.min(at + length, begin + part.length) - begin
        if (from < to) pieces.push(opened(part).read(from, to - from))
        begin += part.length
      }
      return Buffer.concat(pieces)
    },
    close,
  }
}

export function* inPieces(source: ByteSource): Generator<Buffer> {
  for (let at = 0; at < source.length; at += PIECE_BYTES)
    yield source.read(at, Math.min(PIECE_BYTES, source.length - at))
}

function openDek(object: ObjectRow, { customerKeys }: ContentKeys): Buffer {
  const { bucket, key, blobId, wrapped, sealing } = object
  const what = `the data key of ${bucket.name}/${key}`
  const check = optionalText(sealing, 'cc')
  if (check === undefined) return bucket.unwrap(wrapped, what)
  if (customerKeys.length === 0) throw keyMissing(`${bucket.name}/${key} has a key of its customer (SSE-C)`)
  const secret = bucket.unwrap(wrapped, what)
  const found = customerKeys
    .map((customerKey) => withCustomerKey(secret, customerKey, { bucketId: bucket.id, key, blobId }))
    .find((made) => sameBytes(made.check, Buffer.from(check, 'base64')))
  if (!found) throw keyMissing(`none of the given keys of customers is the one of ${bucket.name}/${key}`)
  return found.dek
}

/** docs/envelope-format.md, section 8. */
export function withCustomerKey(
  secret: Buffer,
  customerKey: Buffer,
  { bucketId, key, blobId }: { readonly bucketId: string; readonly key: string; readonly blobId: Buffer },
): { readonly dek: Buffer; readonly check: Buffer } {
  const both = Buffer.concat([secret, customerKey])
  const context = partContext(bucketId, key)
  const derive = (label: string): Buffer => hkdf(both, blobId, Buffer.concat([Buffer.from(label), context]))
  return { dek: derive('OEF1/ssc\0'), check: derive('OEF1/scv\0') }
}

function openOuterKey({ bucket, key, blobId }: ObjectRow, sealed: Buffer): Buffer {
  const what = `the outer key of ${bucket.name}/${key}`
  const outer = bucket.index().open(indexAad('outer', bucket, key, blobId), sealed, what)
  if (outer.length !== KEY_BYTES) throw forged(`${what} has ${outer.length} bytes`)
  return outer
}

function checkAgreement(object: ObjectRow, manifest: Manifest): void {
  const what = `${object.bucket.name}/${object.key}`
  const isReplica = object.sealing['f'] === true
  if (!isReplica && manifest.sizeBytes !== object.sizeBytes)
    throw damaged(`${what} has ${object.sizeBytes} bytes by its row and ${manifest.sizeBytes} by its manifest`)
  const sum = manifest.parts.reduce((total, { length }) => total + length, 0)
  if (sum !== manifest.sizeBytes)
    throw damaged(`the parts of ${what} have ${sum} bytes together, not ${manifest.sizeBytes}`)
  const count = 'blob' in object.content ? 1 : object.content.parts
  if (manifest.parts.length !== count) throw damaged(`${what} has ${manifest.parts.length} parts instead of ${count}`)
}

function blobOfPart(rows: Rows, blobId: Buffer, number: number): string {
  const what = `the row of part ${number}`
  const stored = rows.get(PART, Buffer.concat([blobId, u32(number)]))
  if (!stored) throw damaged(`${what} of ${blobId.toString('hex')} is missing`)
  return textIn(readRecord(stored, 'part', what).head, 'b', what)
}

/** The ETag as listings tell it. Throws KeyMissing, Forged. */
export function openSummary({ bucket, key, blobId, summary }: ObjectRow): string {
  const what = `the summary of ${bucket.name}/${key}`
  const json = parseJson(bucket.index().open(indexAad('summary', bucket, key, blobId), summary, what), what)
  return textIn(members(json, what), 'etag', what)
}
