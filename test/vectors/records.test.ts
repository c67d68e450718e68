import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ALGORITHMS } from '../../src/objects/encrypting.ts'
import { firstSlots } from '../../src/objects/key-slots.ts'
import {
  decodeBucket,
  decodeGarbage,
  decodeObject,
  decodePart,
  decodeUpload,
  decodeVersion,
  encodeBucket,
  encodeGarbage,
  encodeMarker,
  encodeObject,
  encodePart,
  encodeUpload,
} from '../../src/objects/records.ts'
import { codeOf } from '../unit/envelope/fixtures.ts'

// The frozen bytes of docs/record-format.md. A change that makes one of these fail makes stored data unreadable.

const text = z.string()
const hex = z.string().transform((value) => Buffer.from(value, 'hex'))
const wrapped = z.strictObject({ ciphertext: hex, keyVersion: text })
// Absent: 0.
const stored = z.strictObject({ ciphertext: hex, keyVersion: text, slot: z.int().default(0) })
const blob = z.strictObject({ blob: text })
const encryption = z.enum(['provider-managed', 'customer-managed'])
const anySlot = {
  id: z.int(),
  rootKeyCrn: text,
  encryption,
  createdAtMs: z.int(),
  successor: z.int().exactOptional(),
  canary: wrapped.exactOptional(),
}
const slot = z.union([
  z.strictObject({ ...anySlot, kind: z.literal('root') }),
  z.strictObject({ ...anySlot, kind: z.literal('bucket-key'), keyId: text, wrapped }),
])

const sealing = z
  .strictObject({
    asked: z
      .strictObject({ algorithm: z.enum(ALGORITHMS), keyName: text.exactOptional(), rootKeyCrn: text })
      .exactOptional(),
    customerKeyCheck: hex.exactOptional(),
    outerKey: hex.exactOptional(),
  })
  .default({})
const bucket = z
  .strictObject({
    id: text,
    name: text,
    createdAtMs: z.int(),
    serviceInstanceCrn: text,
    ownerId: text,
    ownerName: text,
    locationConstraint: text,
    encryption,
    rootKeyCrn: text,
    deleting: z.boolean(),
    metadataKey: stored,
    versioning: z.enum(['Enabled', 'Suspended']).exactOptional(),
    table: z.strictObject({ slots: z.array(slot), slot: z.int(), nextSlot: z.int() }).exactOptional(),
  })
  // Without a table: the first slots.
  .transform(({ table, ...record }) => ({ ...record, ...(table ?? firstSlots(record)) }))
const properties = z
  .strictObject({
    owner: z.strictObject({ id: text, displayName: text }).exactOptional(),
    acl: z.json().exactOptional(),
    lock: z
      .strictObject({
        mode: z.enum(['GOVERNANCE', 'COMPLIANCE']).exactOptional(),
        retainUntilMs: z.int().exactOptional(),
        legalHold: z.boolean().exactOptional(),
        periodSeconds: z.int().exactOptional(),
        holds: z.array(z.strictObject({ id: text, atMs: z.int() })).exactOptional(),
      })
      .exactOptional(),
    storageClass: text.exactOptional(),
    sealedTags: hex.exactOptional(),
  })
  .default({})
const object = z.strictObject({
  versionId: text,
  sizeBytes: z.int(),
  modifiedAtMs: z.int(),
  blobId: hex,
  wrappedDek: stored.extend({ context: text.exactOptional() }),
  sealing,
  data: z.union([blob, z.strictObject({ partCount: z.int() })]),
  summary: hex,
  manifest: z.union([blob, z.strictObject({ sealed: hex })]),
  properties,
})
const upload = z.strictObject({
  createdAtMs: z.int(),
  checksumAlgorithm: text,
  checksumType: text,
  wrappedDek: stored.extend({ context: text.exactOptional() }),
  sealing,
  manifest: hex,
  properties,
})
const marker = z.strictObject({ versionId: text, modifiedAtMs: z.int(), deleteMarker: z.literal(true) })
const part = z.strictObject({
  ...{ sizeBytes: z.int(), modifiedAtMs: z.int(), blob: text, partSalt: hex, summary: hex },
  appended: z.literal(true).exactOptional(),
})
const garbage = z.strictObject({
  blobs: z.array(text),
  blobId: text,
  upload: z
    .strictObject({
      uploadId: text,
      kept: z.array(z.int()).exactOptional(),
      butAppended: z.literal(true).exactOptional(),
    })
    .exactOptional(),
})

/** One kind of record: the frozen JSON to the product's bytes, and bytes to the product's record. */
const kindOf = <Stored>(
  schema: z.ZodType<Stored>,
  encode: (record: Stored) => Buffer,
  decode: (b: Buffer) => unknown,
) => ({
  parse: (frozen: unknown): unknown => schema.parse(frozen),
  encode: (frozen: unknown): Buffer => encode(schema.parse(frozen)),
  decode: (bytes: Buffer): unknown => decode(bytes),
})
const kinds = {
  bucket: kindOf(bucket, encodeBucket, decodeBucket),
  object: kindOf(object, encodeObject, decodeObject),
  version: kindOf(object, encodeObject, decodeVersion),
  marker: kindOf(marker, encodeMarker, decodeVersion),
  upload: kindOf(upload, encodeUpload, decodeUpload),
  part: kindOf(part, encodePart, decodePart),
  garbage: kindOf(garbage, encodeGarbage, decodeGarbage),
}
const kind = z.enum(['bucket', 'object', 'version', 'marker', 'upload', 'part', 'garbage'])

const vectorsOf = async <Vector>(file: string, vector: z.ZodType<Vector>): Promise<Vector[]> => {
  const json: unknown = JSON.parse(await readFile(new URL(`records/${file}`, import.meta.url), 'utf8'))
  return z.strictObject({ about: text, vectors: z.array(vector).min(1) }).parse(json).vectors
}
const valid = await vectorsOf('records.json', z.strictObject({ name: text, kind, record: z.json(), encoded: hex }))
const tolerated = await vectorsOf('records-tolerated.json', z.strictObject({ name: text, of: text, encoded: hex }))
const malformed = await vectorsOf(
  'records-malformed.json',
  z.strictObject({ name: text, kind, code: text, encoded: hex }),
)

describe('vectors: records of the object engine', () => {
  it.each(valid)('$name', ({ kind, record, encoded }) => {
    expect(kinds[kind].encode(record).toString('hex')).toBe(encoded.toString('hex'))
    expect(kinds[kind].decode(encoded)).toEqual(kinds[kind].parse(record))
  })

  it('holds every kind', () => {
    expect(new Set(valid.map((vector) => vector.kind))).toEqual(new Set(kind.options))
  })

  it.each(tolerated)('$name is passed over', ({ of, encoded }) => {
    const base = valid.find((vector) => vector.name === of)
    if (base === undefined) throw new Error(`no vector is named ${of}`)
    expect(encoded.equals(base.encoded)).toBe(false)
    expect(kinds[base.kind].decode(encoded)).toEqual(kinds[base.kind].parse(base.record))
  })
})

describe('vectors: malformed records', () => {
  it.each(malformed)('$name', ({ kind, code, encoded }) => {
    expect(codeOf(() => kinds[kind].decode(encoded))).toBe(code)
  })
})
