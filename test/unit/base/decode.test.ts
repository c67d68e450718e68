import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64, decodeBase64url } from '../../../src/base/decode.ts'

const FORMS = [
  ['base64', decodeBase64],
  ['base64url', decodeBase64url],
] as const

describe.each(FORMS)('%s', (encoding, decode) => {
  it('gives the bytes of what was encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decode(Buffer.from(bytes).toString(encoding))).toEqual(Buffer.from(bytes))
      }),
    )
  })

  it('has one text for the same bytes: nothing is taken that does not encode back to itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'AQag09+/-_= \n.!é') }), (text) => {
        expect(decode(text)?.toString(encoding) ?? text).toBe(text)
      }),
    )
  })
})

it.each([
  ['junk behind', decodeBase64url, 'AAAA.'],
  ['junk within', decodeBase64url, 'AA AA'],
  ['padding where there is none', decodeBase64url, 'AA=='],
  ['the other alphabet', decodeBase64url, 'AA+/'],
  ['spare bits', decodeBase64url, 'AB'],
  ['a single digit behind', decodeBase64url, 'AAAAA'],
  ['no padding where there is some', decodeBase64, 'AA'],
  ['the other alphabet', decodeBase64, 'AA-_'],
  ['spare bits', decodeBase64, 'AB=='],
  ['a line end', decodeBase64, 'AAAA\n'],
])('refuses %s', (_, decode, text) => {
  expect(decode(text)).toBeUndefined()
})
