import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { segmentCipher } from '../../../src/envelope/segment-cipher.ts'
import { codeOf, pattern } from './fixtures.ts'

const open = () => ({ key: randomBytes(32), prefix: randomBytes(48), context: randomBytes(32) })

describe('segment cipher', () => {
  it('zeroes its key and then does nothing more', () => {
    const keys = open()
    const cipher = segmentCipher(keys)
    cipher[Symbol.dispose]()
    expect(keys.key).toEqual(Buffer.alloc(32))
    expect(() => cipher.seal(0, true, [], 0)).toThrow('gone')
    expect(() => cipher.open(0, true, [], 0, Buffer.alloc(16))).toThrow('gone')
  })

  it('binds index, last mark and length of a segment', () => {
    const cipher = segmentCipher(open())
    const plaintext = pattern(100)
    const sealed = cipher.seal(3, false, [plaintext], 100)
    const tag = sealed.pop() ?? Buffer.alloc(0)
    expect(Buffer.concat(cipher.open(3, false, sealed, 100, tag)).equals(plaintext)).toBe(true)
    expect(codeOf(() => cipher.open(4, false, sealed, 100, tag))).toBe('EnvelopeForged')
    expect(codeOf(() => cipher.open(3, true, sealed, 100, tag))).toBe('EnvelopeForged')
    expect(codeOf(() => cipher.open(3, false, sealed, 101, tag))).toBe('EnvelopeForged')
  })

  it('takes tags of 16 bytes only', () => {
    const cipher = segmentCipher(open())
    const sealed = cipher.seal(0, true, [pattern(10)], 10)
    const tag = sealed.pop() ?? Buffer.alloc(0)
    expect(tag).toHaveLength(16)
    expect(() => cipher.open(0, true, sealed, 10, tag.subarray(0, 12))).toThrow()
  })

  it('the last index of the format can be sealed', () => {
    const cipher = segmentCipher(open())
    expect(() => cipher.seal(2 ** 32 - 2, true, [], 0)).not.toThrow()
    expect(() => cipher.seal(2 ** 32, true, [], 0)).toThrow(RangeError)
  })
})
