import type { Bucket, SlotWrapped } from './buckets.ts'
import { DecryptError, damaged } from './errors.ts'
import { type Members, numberIn, optionalMembers, optionalNumber, optionalText, textIn } from './json.ts'
import type { Row, Rows } from './rows.ts'
import { readRecord } from './sealed-record.ts'

// docs/record-format.md, section 3: objects and versions.

const HEAD = 2
const OTHER_VERSION = 3
/** `00 ‖ u64`, behind the key. */
const ORDER_BYTES = 9

/** A row of an object: what is known of it without opening its keys. */
export interface ObjectRow {
  readonly bucket: Bucket
  readonly key: string
  readonly versionId: string
  readonly isCurrent: boolean
  readonly modifiedAtMs: number
  readonly sizeBytes: number
  readonly blobId: Buffer
  readonly wrapped: SlotWrapped
  readonly summary: Buffer
  readonly sealing: Members
  readonly content: { readonly blob: string } | { readonly parts: number }
  readonly manifest: { readonly blob: string } | { readonly sealed: Buffer }
}

export interface DeleteMarker {
  readonly bucket: Bucket
  readonly key: string
  readonly versionId: string
  readonly modifiedAtMs: number
  readonly isDeleteMarker: true
}

/** One that cannot be read is given with what is wrong with it, so that one bad row does not hide the others. */
export interface UnreadableRow {
  readonly bucket: Bucket
  readonly key: string
  readonly error: unknown
}

export type Listed = ObjectRow | DeleteMarker | UnreadableRow

export interface Listing {
  readonly prefix?: string
  readonly versions?: boolean
}

/** Objects in the order of their keys; all versions that are not current behind those that are. */
export function* listObjects(
  rows: Rows,
  bucket: Bucket,
  { prefix = '', versions = false }: Listing,
): Generator<Listed> {
  const from = Buffer.concat([bucket.idBytes, Buffer.from(prefix)])
  for (const row of rows.startingWith(HEAD, from)) yield readListed(bucket, row, HEAD)
  if (!versions) return
  for (const row of rows.startingWith(OTHER_VERSION, from)) yield readListed(bucket, row, OTHER_VERSION)
}

const keyIn = (row: Row, space: number): string =>
  row.key.toString('utf8', 16, space === HEAD ? row.key.length : row.key.length - ORDER_BYTES)

function readListed(bucket: Bucket, row: Row, space: number): Listed {
  const key = keyIn(row, space)
  try {
    return readObject(bucket, key, row.open(), space === HEAD)
  } catch (error) {
    return { bucket, key, error }
  }
}

/** The current version, or the one of an id. Throws NotFound. */
export function findObject(rows: Rows, bucket: Bucket, key: string, versionId?: string): ObjectRow {
  const at = Buffer.concat([bucket.idBytes, Buffer.from(key)])
  const head = rows.get(HEAD, at)
  if (head) {
    const object = readObject(bucket, key, head, true)
    if ('blobId' in object && (versionId === undefined || object.versionId === versionId)) return object
  }
  const others = versionId === undefined ? [] : rows.startingWith(OTHER_VERSION, Buffer.concat([at, Buffer.of(0)]))
  for (const row of others) {
    if (row.key.length !== at.length + ORDER_BYTES) continue
    const object = readObject(bucket, key, row.open(), false)
    if ('blobId' in object && object.versionId === versionId) return object
  }
  const which = versionId === undefined ? '' : ` of version ${versionId}`
  throw new DecryptError('NotFound', `there is no object ${bucket.name}/${key}${which}`)
}

function readObject(bucket: Bucket, key: string, stored: Buffer, isCurrent: boolean): ObjectRow | DeleteMarker {
  const what = `the row of ${bucket.name}/${key}`
  const { head: all, sections } = readRecord(stored, 'marker', what)
  const named = { bucket, key, versionId: textIn(all, 'v', what), modifiedAtMs: numberIn(all, 'm', what) }
  if (all['dm'] === true) return { ...named, isDeleteMarker: true }
  const [blobId, ciphertext, summary, sealed] = sections
  if (blobId?.length !== 16 || !ciphertext || !summary || !sealed) throw damaged(`${what} has too few sections`)
  const digest = optionalText(all, 'ec')
  const [blob, manifestBlob] = [optionalText(all, 'b'), optionalText(all, 'mb')]
  return {
    ...named,
    isCurrent,
    sizeBytes: numberIn(all, 's', what),
    blobId,
    wrapped: {
      slot: optionalNumber(all, 'ks') ?? 0,
      keyVersion: textIn(all, 'k', what),
      context: ['oef1', 'dek', bucket.id, blobId.toString('hex'), ...(digest === undefined ? [] : [digest])],
      ciphertext,
    },
    summary,
    sealing: optionalMembers(all, 'e') ?? {},
    content: blob === undefined ? { parts: numberIn(all, 'n', what) } : { blob },
    manifest: manifestBlob === undefined ? { sealed } : { blob: manifestBlob },
  }
}
