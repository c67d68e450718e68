import assert from 'node:assert/strict'
import { dekFrom } from '../../../src/envelope/dek.ts'
import { decodeHeader, encodeHeader, PREFIX_BYTES } from '../../../src/envelope/header.ts'
import { openManifest, sealManifest } from '../../../src/envelope/manifest.ts'
import { openPart, sealPart } from '../../../src/envelope/seal.ts'
import { HEADER_SIZE } from '../../../src/envelope/segment.ts'
import { keyRefOf, openSmall, SMALL_KIND, sealSmall } from '../../../src/envelope/small-envelope.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const mayThrow = refusals('EnvelopeForged')
const salt = Buffer.alloc(16, 2)
const blobId = Buffer.alloc(16, 1)

export const envelopeHeaderTarget: FuzzTarget = {
  name: 'envelope-header',
  seeds: [14, 16, 20].map((log2) => encodeHeader({ blobId, partNumber: log2, partSalt: salt, segmentSize: 2 ** log2 })),
  mayThrow,
  run: (input) => assert.deepEqual(encodeHeader(decodeHeader(input)), input.subarray(0, PREFIX_BYTES)),
}

const PLAIN = Buffer.from('a part of two segments'.repeat(4000))
const dek = () => dekFrom(Buffer.alloc(32, 3))
const identity = { blobId, partNumber: 1, bucketId: 'bucket', key: 'key' }
const SEALED = Buffer.concat(sealPart(dek(), identity, salt).bytes([PLAIN]))

export const envelopePartTarget: FuzzTarget = {
  name: 'envelope-part',
  seeds: [SEALED],
  maxBytes: SEALED.length * 2,
  mayThrow,
  run: (input) => {
    using part = openPart(dek(), identity, salt, PLAIN.length, input.subarray(0, HEADER_SIZE), input.length)
    const whole = Buffer.concat(part.bytes({ start: 0, end: PLAIN.length }, input.subarray(HEADER_SIZE)))
    assert.ok(whole.equals(PLAIN), 'forged bytes were opened')
  },
}

const manifestIdentity = { bucketId: 'bucket', key: 'key', versionId: 'null', blobId }
const VALUE = { etag: 'a', headers: { 'content-type': 'text/plain' }, parts: [1, 2, 3] }

export const manifestTarget: FuzzTarget = {
  name: 'manifest',
  seeds: [sealManifest(dek(), manifestIdentity, VALUE, salt)],
  mayThrow,
  run: (input) => assert.deepEqual(openManifest(dek(), manifestIdentity, input), VALUE),
}

const sealing = { kind: SMALL_KIND.wrap, key: Buffer.alloc(32, 5), context: ['a', Buffer.of(0)] }

export const smallEnvelopeTarget: FuzzTarget = {
  name: 'small-envelope',
  seeds: [
    sealSmall({ ...sealing, keyRef: blobId, salt }, Buffer.from('secret')),
    sealSmall({ ...sealing, keyRef: blobId, salt }, Buffer.alloc(0)),
  ],
  mayThrow,
  run: (input) => {
    keyRefOf(input)
    assert.ok(['secret', ''].includes(openSmall(sealing, input).toString('latin1')), 'forged bytes were opened')
  },
}
