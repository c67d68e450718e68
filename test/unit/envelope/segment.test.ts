import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  plainLength,
  SEGMENT_SIZE,
  sealedLength,
  sealedRange,
  segmentCount,
  segmentLength,
  segmentOffset,
  segmentsOf,
} from '../../../src/envelope/segment.ts'

const segmentSize = fc.integer({ min: 14, max: 20 }).map((log2) => 2 ** log2)
const plain = fc.oneof(
  fc.integer({ min: 0, max: 5 * 2 ** 30 }),
  fc
    .tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: -1, max: 1 }))
    .map(([n, d]) => Math.max(0, n * 65_536 + d)),
)

describe('segment', () => {
  it('counts sealed bytes as the format says', () => {
    expect([0, 1, 65_535, 65_536, 65_537, 131_072].map((length) => sealedLength(length))).toEqual([
      96, 97, 65_631, 65_632, 65_649, 131_184,
    ])
  })

  it('plainLength is the inverse of sealedLength', () => {
    fc.assert(
      fc.property(plain, segmentSize, (length, size) => {
        expect(plainLength(sealedLength(length, size), size)).toBe(length)
      }),
    )
  })

  it('plainLength knows which lengths cannot be', () => {
    const possible = new Set<number>()
    const size = 2 ** 14
    for (let length = 0; length <= 3 * size; length++) possible.add(sealedLength(length, size))
    for (let sealed = 0; sealed <= sealedLength(3 * size, size); sealed++) {
      expect(plainLength(sealed, size) !== undefined, `${sealed}`).toBe(possible.has(sealed))
    }
    expect(plainLength(Number.NaN)).toBeUndefined()
    expect(plainLength(-1)).toBeUndefined()
    expect(plainLength(96.5)).toBeUndefined()
  })

  it('segments tile the part: lengths and offsets agree with the whole', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 * SEGMENT_SIZE }), (length) => {
        let offset = 80
        let total = 0
        for (let i = 0; i < segmentCount(length); i++) {
          expect(segmentOffset(i)).toBe(offset)
          offset += segmentLength(i, length) + 16
          total += segmentLength(i, length)
        }
        expect(total).toBe(length)
        expect(offset).toBe(sealedLength(length))
      }),
    )
  })

  it('a range is covered by its segments and by no fewer', () => {
    const cases = fc
      .integer({ min: 1, max: 10 * SEGMENT_SIZE })
      .chain((length) =>
        fc.tuple(fc.constant(length), fc.integer({ min: 0, max: length - 1 }), fc.integer({ min: 1, max: length })),
      )
    fc.assert(
      fc.property(cases, ([length, a, b]) => {
        fc.pre(a < b)
        const { start, end } = segmentsOf({ start: a, end: b }, length)
        expect(start * SEGMENT_SIZE <= a && a < (start + 1) * SEGMENT_SIZE).toBe(true)
        expect((end - 1) * SEGMENT_SIZE < b && b <= end * SEGMENT_SIZE).toBe(true)
        const stored = sealedRange({ start: a, end: b }, length)
        expect(stored.start).toBe(segmentOffset(start))
        expect(stored.end).toBe(end === segmentCount(length) ? sealedLength(length) : segmentOffset(end))
      }),
    )
  })

  it('the empty part has one segment, an empty range elsewhere has none', () => {
    expect(sealedRange({ start: 0, end: 0 }, 0)).toEqual({ start: 80, end: 96 })
    const { start, end } = sealedRange({ start: 70_000, end: 70_000 }, 100_000)
    expect(start).toBe(end)
  })

  it('refuses a range outside the part', () => {
    for (const [start, end] of [
      [-1, 1],
      [0, 11],
      [6, 5],
      [0.5, 1],
      [0, Number.NaN],
    ] as const) {
      expect(() => segmentsOf({ start, end }, 10)).toThrow(RangeError)
    }
  })
})
