import { hkdfSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deriveKey, derivePair } from '../../../src/envelope/hkdf.ts'

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
const expected = (ikm: Buffer, salt: Buffer, info: Buffer) => Buffer.from(hkdfSync('sha256', ikm, salt, info, 32))

describe('hkdf', () => {
  it('derives what RFC 5869 test case 1 derives', () => {
    const salt = Buffer.from('000102030405060708090a0b0c', 'hex')
    const info = Buffer.from('f0f1f2f3f4f5f6f7f8f9', 'hex')
    expect(deriveKey(Buffer.alloc(22, 0x0b), salt, info).toString('hex')).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf',
    )
  })

  it('derives what the platform derives', () => {
    fc.assert(
      fc.property(bytes(100), bytes(100), bytes(300), bytes(300), (ikm, salt, first, second) => {
        expect(deriveKey(ikm, salt, first)).toEqual(expected(ikm, salt, first))
        expect(derivePair(ikm, salt, first, second)).toEqual([expected(ikm, salt, first), expected(ikm, salt, second)])
      }),
    )
  })

  it('gives keys in memory of their own, so that they can be zeroed', () => {
    const key = deriveKey(Buffer.alloc(32), Buffer.alloc(16), Buffer.alloc(1))
    expect(key.buffer.byteLength).toBe(32)
  })
})
