import assert from 'node:assert/strict'
import {
  decodeSealedHeader,
  encodeSealedHeader,
  type SealedHeader,
} from '../../../src/objects/replication/sealed-format.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const piece = { lengthBytes: 100, sha256: Buffer.alloc(32, 1) }
const header: SealedHeader = {
  dek: {
    ...{
      bucketId: '11111111-1111-4111-8111-111111111111',
      blobId: Buffer.alloc(16, 2),
      rootKeyCrn: 'crn:v1:',
      keyVersion: 'v',
    },
    ...{
      ciphertext: Buffer.from('wrapped'),
      context: 'c',
      bucketKey: { keyId: 'k', keyVersion: 'v', ciphertext: Buffer.from('w') },
    },
  },
  ...{ key: 'a/\u00e9', versionId: 'null', sizeBytes: 10, manifest: piece, parts: [{ number: 0, ...piece }] },
}

/** What a store elsewhere sends as a version that is sealed. */
export const replicaTarget: FuzzTarget = {
  name: 'sealed-replica',
  seeds: [encodeSealedHeader(header), encodeSealedHeader({ ...header, parts: [] })].map((bytes) =>
    Buffer.concat([bytes, Buffer.of(1)]),
  ),
  words: ['"v":1', '"parts":[', '"bucketKey":', '"sizeBytes":', '1e400', '-1'],
  mayThrow: refusals('SealedReplicaInvalid'),
  run: (input) => {
    const opened = decodeSealedHeader(input)
    if (!opened) return
    const again = decodeSealedHeader(Buffer.concat([encodeSealedHeader(opened.header), Buffer.of(1)]))
    assert.deepEqual(again?.header, opened.header)
  },
}
