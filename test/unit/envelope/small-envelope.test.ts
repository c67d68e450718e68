import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  keyRefOf,
  openSmall,
  SMALL_KIND,
  SMALL_OVERHEAD_BYTES,
  sealSmall,
} from '../../../src/envelope/small-envelope.ts'
import { referenceSmall } from '../../support/reference-envelope.ts'
import { codeOf } from './fixtures.ts'

const kind = fc.constantFrom(...Object.values(SMALL_KIND))
const context = fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 5 })
const bytes = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array))

describe('small envelope', () => {
  const key = randomBytes(32)
  const keyRef = randomBytes(16)
  const wrap = { kind: SMALL_KIND.wrap, key, keyRef }

  it('seals as the reference seals, and opens', () => {
    fc.assert(
      fc.property(
        kind,
        bytes(32, 32),
        bytes(16, 16),
        bytes(16, 16),
        context,
        bytes(0, 600),
        (kind, key, keyRef, salt, context, plaintext) => {
          const sealed = sealSmall({ kind, key, keyRef, salt, context }, plaintext)
          expect(sealed.equals(referenceSmall({ kind, key, keyRef, salt, context }, plaintext))).toBe(true)
          expect(sealed.length).toBe(plaintext.length + SMALL_OVERHEAD_BYTES)
          expect(openSmall({ kind, key, context }, sealed).equals(plaintext)).toBe(true)
          expect(keyRefOf(sealed).equals(keyRef)).toBe(true)
        },
      ),
    )
  })

  it('seals the same value differently each time', () => {
    const seal = () => sealSmall({ ...wrap, context: [] }, Buffer.from('x')).toString('hex')
    expect(new Set(Array.from({ length: 600 }, seal)).size).toBe(600)
  })

  it('opens only with the same list, cut at the same places', () => {
    const sealed = sealSmall({ ...wrap, context: ['ab', 'c'] }, Buffer.from('x'))
    for (const context of [['a', 'bc'], ['abc'], ['c', 'ab'], ['ab', 'c', ''], ['ab'], []]) {
      expect(codeOf(() => openSmall({ ...wrap, context }, sealed))).toBe('EnvelopeForged')
    }
    expect(openSmall({ ...wrap, context: [Buffer.from('ab'), 'c'] }, sealed).toString()).toBe('x')
  })

  it('opens only as its kind and under its key', () => {
    const sealed = sealSmall({ ...wrap, context: [] }, Buffer.from('x'))
    for (const kind of [SMALL_KIND.manifest, SMALL_KIND.indexRecord, SMALL_KIND.keySealing, SMALL_KIND.iamSecret]) {
      expect(codeOf(() => openSmall({ kind, key, context: [] }, sealed))).toBe('EnvelopeForged')
    }
    expect(codeOf(() => openSmall({ ...wrap, key: randomBytes(32), context: [] }, sealed))).toBe('EnvelopeForged')
  })

  it('refuses keys and references of another length', () => {
    expect(() => sealSmall({ ...wrap, key: randomBytes(31), context: [] }, Buffer.alloc(1))).toThrow(RangeError)
    expect(() => sealSmall({ ...wrap, keyRef: randomBytes(15), context: [] }, Buffer.alloc(1))).toThrow(RangeError)
    expect(() => sealSmall({ ...wrap, salt: randomBytes(17), context: [] }, Buffer.alloc(1))).toThrow(RangeError)
  })

  it('gives plaintext in memory of its own, so that it can be zeroed', () => {
    const opened = openSmall({ ...wrap, context: [] }, sealSmall({ ...wrap, context: [] }, randomBytes(32)))
    expect(opened.buffer.byteLength).toBe(32)
  })
})
