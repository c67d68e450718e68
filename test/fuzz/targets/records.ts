import assert from 'node:assert/strict'
import fc from 'fast-check'
import { encode } from '../../../src/objects/record-codec.ts'
import * as records from '../../../src/objects/records.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const dek = { ciphertext: Buffer.from('wrapped'), keyVersion: 'v1', slot: 1, context: 'digest' }
const blobId = Buffer.alloc(16, 1)
const properties = {
  owner: { id: 'o', displayName: 'O' },
  acl: [{ grantee: { id: 'a' }, permission: 'READ' }],
  lock: { mode: 'GOVERNANCE' as const, retainUntilMs: 5, legalHold: true },
  storageClass: 'GLACIER',
  sealedTags: Buffer.from('tags'),
}
const bucket: records.BucketRecord = {
  ...{ id: 'b', name: 'bucket', createdAtMs: 1, serviceInstanceCrn: 'crn', ownerId: 'o', ownerName: 'O' },
  ...{ locationConstraint: '', encryption: 'customer-managed', rootKeyCrn: 'crn', deleting: false, metadataKey: dek },
  versioning: 'Enabled',
  slots: [
    { id: 0, kind: 'root', rootKeyCrn: 'crn', encryption: 'customer-managed', createdAtMs: 1, successor: 1 },
    {
      id: 1,
      kind: 'bucket-key',
      rootKeyCrn: 'crn',
      encryption: 'customer-managed',
      createdAtMs: 1,
      keyId: 'k',
      wrapped: dek,
    },
  ],
  ...{ slot: 1, nextSlot: 2 },
}
const object: records.ObjectRecord = {
  ...{
    versionId: 'null',
    sizeBytes: 3,
    modifiedAtMs: 4,
    blobId,
    wrappedDek: dek,
    sealing: {} as records.ObjectRecord['sealing'],
  },
  ...{ data: { blob: 'x' as never }, summary: Buffer.from('s'), manifest: { sealed: Buffer.from('m') }, properties },
}

const CODECS: readonly (readonly [(value: Buffer) => unknown, ((record: never) => Buffer) | undefined])[] = [
  [records.decodeBucket, records.encodeBucket],
  [records.decodeObject, records.encodeObject],
  [records.decodeUpload, records.encodeUpload],
  [records.decodePart, records.encodePart],
  [records.decodeGarbage, records.encodeGarbage],
  [records.decodeDeregistration, records.encodeDeregistration],
  [records.decodeVersion, undefined],
  [records.decodeListed, undefined],
  [records.decodeListedVersion, undefined],
]

/** The records of objects, as they are once their seal was opened. */
export const recordsTarget: FuzzTarget = {
  name: 'records',
  seeds: [
    records.encodeBucket(bucket),
    records.encodeObject(object),
    records.encodeMarker({ versionId: 'a', modifiedAtMs: 1, deleteMarker: true }),
    records.encodePart({
      sizeBytes: 1,
      modifiedAtMs: 2,
      blob: 'x' as never,
      partSalt: blobId,
      summary: Buffer.from('s'),
      appended: true,
    }),
    records.encodeGarbage({ blobs: [], blobId: 'aa', upload: { uploadId: 'u', kept: [1, 2], butAppended: true } }),
    records.encodeDeregistration({ name: 'a', serviceInstanceCrn: 'b', rootKeyCrn: 'c' }),
  ],
  inputs: fc
    .tuple(
      fc.dictionary(
        fc.constantFrom('v', 's', 'm', 'k', 'b', 'n', 'dm', 'slots', 'xt', 'upload', 'kept', 'a', 'i', 'h'),
        fc.jsonValue(),
      ),
      fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 6 }),
    )
    .map(([json, sections]) =>
      encode(
        json,
        sections.map((each) => Buffer.from(each)),
      ),
    ),
  mayThrow: refusals('MetadataCorrupt'),
  run: (input) => {
    let refusal: unknown
    let read = 0
    for (const [decode, encodeAgain] of CODECS) {
      try {
        const record = decode(input)
        read++
        if (!encodeAgain) continue
        // What was read of another kind of record has members that are not there: written once, it is as it stays.
        const written = decode(encodeAgain(record as never))
        assert.deepEqual(decode(encodeAgain(written as never)), written)
      } catch (error) {
        if (!refusals('MetadataCorrupt')(error)) throw error
        refusal = error
      }
    }
    if (read === 0) throw refusal
  },
}
