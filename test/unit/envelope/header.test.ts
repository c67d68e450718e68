import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeHeader, encodeHeader } from '../../../src/envelope/header.ts'
import { codeOf } from './fixtures.ts'

const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((array) => Buffer.from(array))
const header = fc.record({
  blobId: bytes16,
  partNumber: fc.integer({ min: 0, max: 10_000 }),
  partSalt: bytes16,
  segmentSize: fc.integer({ min: 14, max: 20 }).map((log2) => 2 ** log2),
})

describe('part header', () => {
  it('decodes what it encodes', () => {
    fc.assert(
      fc.property(header, (value) => {
        expect(decodeHeader(encodeHeader(value))).toEqual(value)
      }),
    )
  })

  it('reads nothing that it would not write', () => {
    fc.assert(
      fc.property(header, fc.integer({ min: 0, max: 47 }), fc.integer({ min: 1, max: 255 }), (value, at, flip) => {
        const bytes = encodeHeader(value)
        bytes.writeUInt8(bytes.readUInt8(at) ^ flip, at)
        const code = codeOf(() => expect(encodeHeader(decodeHeader(bytes))).toEqual(bytes))
        expect(['no error', 'EnvelopeForged']).toContain(code)
      }),
    )
  })

  it.each([
    ['magic', 0, 0x4e],
    ['version', 4, 2],
    ['suite', 5, 0],
    ['a segment too small', 6, 13],
    ['a segment too large', 6, 21],
    ['flags', 7, 1],
    ['part number above 10000', 26, 0x28],
    ['reserved', 31, 1],
  ])('refuses another %s', (_name, at, value) => {
    const part = { blobId: Buffer.alloc(16), partNumber: 255, partSalt: Buffer.alloc(16), segmentSize: 65_536 }
    const bytes = encodeHeader(part)
    bytes[at] = value
    expect(codeOf(() => decodeHeader(bytes))).toBe('EnvelopeForged')
  })

  it('refuses a header cut short', () => {
    expect(codeOf(() => decodeHeader(Buffer.alloc(47)))).toBe('EnvelopeForged')
  })

  it('does not write what it could not read', () => {
    const part = { blobId: Buffer.alloc(16), partNumber: 0, partSalt: Buffer.alloc(16), segmentSize: 65_536 }
    expect(() => encodeHeader({ ...part, blobId: Buffer.alloc(15) })).toThrow(RangeError)
    expect(() => encodeHeader({ ...part, partSalt: Buffer.alloc(17) })).toThrow(RangeError)
    expect(() => encodeHeader({ ...part, partNumber: 10_001 })).toThrow(RangeError)
    expect(() => encodeHeader({ ...part, partNumber: -1 })).toThrow(RangeError)
    expect(() => encodeHeader({ ...part, segmentSize: 65_537 })).toThrow(RangeError)
    expect(() => encodeHeader({ ...part, segmentSize: 2 ** 21 })).toThrow(RangeError)
  })
})
