import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../../src/envelope/canonical-json.ts'
import { newDek } from '../../../src/envelope/dek.ts'
import { openManifest, sealManifest } from '../../../src/envelope/manifest.ts'
import { SMALL_OVERHEAD_BYTES } from '../../../src/envelope/small-envelope.ts'
import { referenceManifest } from '../../support/reference-envelope.ts'
import { codeOf, identity } from './fixtures.ts'

const version = { bucketId: identity.bucketId, key: identity.key, versionId: 'v1', blobId: identity.blobId }

describe('manifest', () => {
  it('comes back, sealed as the reference seals it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const dek = newDek()
        const salt = randomBytes(16)
        const sealed = sealManifest(dek, version, value, salt)
        const expected = JSON.parse(JSON.stringify(value))
        expect(openManifest(dek, version, sealed)).toEqual(expected)
        const reference = referenceManifest({ ...version, dek: dek.bytes, salt }, canonicalJson(value))
        expect(sealed.equals(reference)).toBe(true)
      }),
    )
  })

  it('tells its length in steps of 256 bytes only', () => {
    const lengthOf = (size: number) => sealManifest(newDek(), version, 'x'.repeat(size)).length - SMALL_OVERHEAD_BYTES
    expect([0, 1, 254, 255, 510, 511].map(lengthOf)).toEqual([256, 256, 256, 512, 512, 768])
  })

  it('opens for its own version only', () => {
    const dek = newDek()
    const sealed = sealManifest(dek, version, { size: 1 })
    const others = [{ bucketId: 'other' }, { key: 'other' }, { versionId: 'v2' }, { blobId: randomBytes(16) }]
    for (const other of others) {
      expect(codeOf(() => openManifest(dek, { ...version, ...other }, sealed))).toBe('EnvelopeForged')
    }
    expect(codeOf(() => openManifest(newDek(), version, sealed))).toBe('EnvelopeForged')
  })
})

describe('canonical JSON', () => {
  it('orders members by UTF-16 code units, at every depth', () => {
    const value = { b: 1, a: { é: 1, z: [{ y: 1, x: 2 }] }, '10': 0, '9': 0, '\u{1f600}': 1, '\ufb33': 2 }
    expect(canonicalJson(value)).toBe('{"10":0,"9":0,"a":{"z":[{"x":2,"y":1}],"é":1},"b":1,"\u{1f600}":1,"\ufb33":2}')
  })

  it('does not depend on the order of insertion', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse())
        expect(canonicalJson(turned)).toBe(canonicalJson(value))
      }),
    )
  })

  it('leaves out what is undefined', () => {
    expect(canonicalJson({ a: undefined, b: null })).toBe('{"b":null}')
  })

  it.each([
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [undefined],
    [() => {}],
    [new Date(0)],
    [new Map()],
    [[undefined]],
    [1n],
  ])('refuses %s', (value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError)
  })
})
