import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readCanary, SPELLINGS, spellingsOf } from '../../src/prove/canaries.ts'
import { notRandom } from '../../src/prove/randomness.ts'
import { searchFor } from '../../src/prove/search.ts'
import { contentBytes } from '../support/content.ts'

describe('bytes that are no ciphertext', () => {
  it('are never taken for such when they are one', () => {
    for (const size of [0, 1, 15, 16, 17, 63, 64, 100, 1000, 2047, 2048, 5000, 65_552])
      for (let seed = 0; seed < 40; seed++) expect(notRandom(contentBytes(`${size} ${seed}`, size))).toBeUndefined()
    expect(notRandom(contentBytes('long', 20_000_000))).toBeUndefined()
  })

  it.each([
    ['text of 64 bytes', Buffer.from('äbcdéfg'.repeat(8)).subarray(0, 64)],
    ['a short text', Buffer.from('{"a":1,"b":"two","c":[3,4,5],"d":"six and seven"}')],
    ['zeros', Buffer.alloc(20)],
    ['every byte in turn', Buffer.from(Array.from({ length: 4096 }, (_, index) => index & 255))],
    ['one random block over and over', Buffer.concat(Array.from({ length: 64 }, () => contentBytes('block', 64)))],
    ['floats', Buffer.from(Float64Array.from({ length: 1000 }, (_, index) => index / 7).buffer)],
  ])('are told: %s', (_, bytes) => {
    expect(notRandom(bytes)).toBeDefined()
  })

  it('are not told when they are compressed well: only a key tells those', () => {
    const text = Array.from({ length: 3000 }, (_, index) => contentBytes(String(index), 9).toString('hex')).join(' ')
    expect(notRandom(gzipSync(text).subarray(10, 4000))).toBeUndefined()
  })
})

describe('a canary', () => {
  const canary = readCanary('naïve "quoted" text', 0)
  const found = (bytes: Buffer) => [...searchFor([canary]).in(bytes)].map(({ spelling, offset }) => [spelling, offset])

  it('is found in each spelling, wherever it begins', () => {
    const [piece = Buffer.alloc(0)] = canary.pieces
    const spellings = [...spellingsOf(piece)]
    expect(new Set(spellings.map(([spelling]) => spelling))).toEqual(new Set(SPELLINGS))
    for (const [, bytes] of spellings)
      for (const before of [0, 1, 2, 3, 1000]) {
        const around = Buffer.concat([contentBytes('before', before), bytes, contentBytes('after', 50)])
        expect(found(around).map(([, offset]) => offset)).toContain(before)
      }
  })

  it('is found in base64 of whatever it is in', () => {
    for (let before = 0; before < 6; before++)
      for (let after = 0; after < 4; after++) {
        const whole = Buffer.concat([
          contentBytes('b', before),
          Buffer.from('naïve "quoted" text'),
          contentBytes('a', after),
        ])
        expect(found(Buffer.from(whole.toString('base64'))).length).toBeGreaterThan(0)
        expect(found(Buffer.from(whole.toString('base64url'))).length).toBeGreaterThan(0)
      }
  })

  it('is not found where it is not', () => {
    expect(found(contentBytes('random', 3_000_000))).toEqual([])
    expect(found(Buffer.from('naïve "quoted" tex'))).toEqual([])
  })
})
