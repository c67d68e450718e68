import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ALGORITHMS, type Sealing } from '../../../src/objects/encrypting.ts'
import { firstSlots, isForeign } from '../../../src/objects/key-slots.ts'
import type { StoredProperties } from '../../../src/objects/object-properties.ts'
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
} from '../../../src/objects/records.ts'

const text = fc.string({ unit: 'grapheme' })
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const size = fc.maxSafeNat()
const wrapped = fc.record({ ciphertext: bytes, keyVersion: text })
const stored = fc.record({ ciphertext: bytes, keyVersion: text, slot: fc.nat() })
const wrappedDek = fc.record(
  { ciphertext: bytes, keyVersion: text, slot: fc.nat(), context: text },
  { requiredKeys: ['ciphertext', 'keyVersion', 'slot'] },
)
const sealing: fc.Arbitrary<Sealing> = fc.record(
  {
    asked: fc.record(
      { algorithm: fc.constantFrom(...ALGORITHMS), keyName: text, rootKeyCrn: text },
      { requiredKeys: ['algorithm', 'rootKeyCrn'] },
    ),
    customerKeyCheck: bytes,
    outerKey: bytes,
  },
  { requiredKeys: [] },
)
const encryption = fc.constantFrom('provider-managed' as const, 'customer-managed' as const)
const anySlot = {
  id: fc.nat(),
  rootKeyCrn: text,
  encryption,
  createdAtMs: size,
  successor: fc.nat(),
  own: fc.constant(true as const),
  retired: fc.constant(true as const),
}
const requiredKeys = ['id', 'kind', 'rootKeyCrn', 'encryption', 'createdAtMs'] as const
const slot = fc.oneof(
  fc.record({ ...anySlot, kind: fc.constant('root' as const) }, { requiredKeys: [...requiredKeys] }),
  fc.record(
    { ...anySlot, kind: fc.constant('bucket-key' as const), keyId: fc.uuid(), wrapped },
    { requiredKeys: [...requiredKeys, 'keyId', 'wrapped'] },
  ),
)

const properties: fc.Arbitrary<StoredProperties> = fc.record(
  {
    owner: fc.record({ id: text, displayName: text }),
    acl: fc.record({ grants: fc.array(text) }),
    lock: fc.record({
      mode: fc.constantFrom('GOVERNANCE', 'COMPLIANCE'),
      retainUntilMs: size,
      legalHold: fc.boolean(),
    }),
    storageClass: text,
    sealedTags: bytes,
  },
  { requiredKeys: [] },
)

const records = {
  bucket: {
    encode: encodeBucket,
    decode: decodeBucket,
    arbitrary: fc
      .record({
        id: fc.uuid(),
        name: text,
        createdAtMs: size,
        serviceInstanceCrn: text,
        ownerId: text,
        ownerName: text,
        locationConstraint: text,
        encryption,
        rootKeyCrn: text,
        deleting: fc.boolean(),
        metadataKey: stored,
        versioning: fc.option(fc.constantFrom('Enabled' as const, 'Suspended' as const), { nil: undefined }),
      })
      .map(({ versioning, ...rest }) => (versioning === undefined ? rest : { ...rest, versioning }))
      .chain((bucket) =>
        fc
          .oneof(
            fc.constant(firstSlots(bucket)),
            fc.record({ slots: fc.array(slot, { maxLength: 4 }), slot: fc.nat(), nextSlot: fc.nat() }),
          )
          // Under another key than the bucket nothing is open but what is there on its own account.
          .map((table) => ({
            ...bucket,
            ...table,
            slots: table.slots.map((each) =>
              isForeign(bucket, each) && !('successor' in each) ? { ...each, own: true as const } : each,
            ),
          })),
      ),
  },
  object: {
    encode: encodeObject,
    decode: decodeObject,
    arbitrary: fc.record({
      versionId: text,
      sizeBytes: size,
      modifiedAtMs: size,
      blobId: bytes,
      wrappedDek,
      sealing,
      data: fc.oneof(fc.record({ blob: text }), fc.record({ partCount: fc.nat() })),
      summary: bytes,
      manifest: fc.oneof(fc.record({ blob: text }), fc.record({ sealed: bytes })),
      properties,
    }),
  },
  marker: {
    encode: encodeMarker,
    decode: decodeVersion,
    arbitrary: fc.record({ versionId: text, modifiedAtMs: size, deleteMarker: fc.constant(true as const) }),
  },
  upload: {
    encode: encodeUpload,
    decode: decodeUpload,
    arbitrary: fc.record({
      createdAtMs: size,
      checksumAlgorithm: text,
      checksumType: text,
      wrappedDek,
      sealing,
      manifest: bytes,
      properties,
      initiator: fc.option(fc.record({ id: text, displayName: text, iamId: text }), { nil: undefined }),
      said: fc.option(fc.oneof(bytes, fc.constant('nothing' as const)), { nil: undefined }),
    }),
  },
  part: {
    encode: encodePart,
    decode: decodePart,
    arbitrary: fc.record(
      {
        ...{ sizeBytes: size, modifiedAtMs: size, blob: text, partSalt: bytes, summary: bytes },
        appended: fc.constant(true as const),
      },
      { requiredKeys: ['sizeBytes', 'modifiedAtMs', 'blob', 'partSalt', 'summary'] },
    ),
  },
  garbage: {
    encode: encodeGarbage,
    decode: decodeGarbage,
    arbitrary: fc.record(
      {
        blobs: fc.array(text),
        blobId: text,
        upload: fc.oneof(
          fc.record({ uploadId: text, kept: fc.array(fc.nat()) }, { requiredKeys: ['uploadId'] }),
          fc.record({ uploadId: text, kept: fc.array(fc.nat()), butAppended: fc.constant(true as const) }),
        ),
      },
      { requiredKeys: ['blobs', 'blobId'] },
    ),
  },
}

function suite<T>(
  name: string,
  record: {
    readonly encode: (value: T) => Buffer
    readonly decode: (value: Buffer) => T
    readonly arbitrary: fc.Arbitrary<T>
  },
): void {
  describe(`the record of a ${name}`, () => {
    const plain = (value: T): T => ({ ...value })

    it('decodes to what was encoded', () => {
      fc.assert(
        fc.property(record.arbitrary, (value) => {
          expect(plain(record.decode(record.encode(value)))).toEqual(plain(value))
        }),
      )
    })

    it('of an unknown version is refused', () => {
      fc.assert(
        fc.property(record.arbitrary, fc.integer({ min: 0, max: 255 }), (value, version) => {
          fc.pre(version !== 1)
          const stored = record.encode(value)
          stored[0] = version
          expect(() => record.decode(stored)).toThrow(expect.objectContaining({ code: 'MetadataCorrupt' }))
        }),
      )
    })

    it('that is cut short inside a field is refused', () => {
      fc.assert(
        fc.property(record.arbitrary, fc.nat(), (value, cut) => {
          const stored = record.encode(value)
          const shorter = stored.subarray(0, 1 + (cut % (stored.length - 1)))
          // A cut between two sections leaves fewer sections; only what needs them can tell.
          let decoded: T
          try {
            decoded = record.decode(shorter)
          } catch (error) {
            expect(error).toMatchObject({ code: 'MetadataCorrupt' })
            return
          }
          expect(plain(decoded)).toEqual(plain(value))
        }),
      )
    })
  })
}

suite('bucket', records.bucket)
suite('object', records.object)
suite('upload', records.upload)
suite('part', records.part)
suite('garbage', records.garbage)
