import { describe, expect, it } from 'vitest'
import { decodeManifest } from '../../../src/storage/metadata/level-manifest.ts'
import { logOf } from '../../support/level-log.ts'

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80)
  return Buffer.from([...bytes, rest])
}
const text = (bytes: Buffer): Buffer => Buffer.concat([varint(bytes.length), bytes])
const numbers = (...values: readonly number[]): Buffer => Buffer.concat(values.map(varint))
const logNumber = (number: number): Buffer => numbers(2, number)
const added = (level: number, number: number, lengthBytes: number): Buffer =>
  Buffer.concat([numbers(7, level, number, lengthBytes), text(Buffer.alloc(2056, number)), text(Buffer.alloc(30, 1))])
const removed = (level: number, number: number): Buffer => numbers(6, level, number)

const snapshot = Buffer.concat([
  Buffer.of(1),
  text(Buffer.from('leveldb.BytewiseComparator')),
  Buffer.concat([numbers(5, 1), text(Buffer.alloc(40, 2))]),
  ...Array.from({ length: 40 }, (_, n) => added(1, n + 1, 2_000_000 + n)),
])
const edits = [
  snapshot,
  Buffer.concat([logNumber(300), numbers(9, 0), numbers(3, 301), numbers(4, 2 ** 40)]),
  Buffer.concat([removed(1, 7), removed(1, 8), added(2, 8, 555), added(0, 302, 2 ** 33)]),
  Buffer.concat([removed(0, 302), logNumber(310)]),
]

const nothing = (log: number) => ({ logNumber: log, tables: new Map(), bounds: new Map() })

describe('a manifest', () => {
  it('of several blocks names the tables in use, and the log that begins what is not in them', () => {
    const { logNumber: log, tables } = decodeManifest(logOf(edits))
    expect(log).toBe(310)
    const expected = new Map(Array.from({ length: 40 }, (_, n) => [n + 1, 2_000_000 + n]))
    expected.delete(7)
    expected.set(8, 555)
    expect([...tables].sort(([a], [b]) => a - b)).toEqual([...expected])
  })

  it('tells of each table in use its level, and its first and last row without what LevelDB puts behind a key', () => {
    const { tables, bounds } = decodeManifest(logOf(edits))
    expect([...bounds.keys()].sort()).toEqual([...tables.keys()].sort())
    expect(bounds.get(3)).toEqual({ level: 1, first: Buffer.alloc(2048, 3), last: Buffer.alloc(22, 1) })
    expect(bounds.get(8)?.level).toBe(2)
  })

  it('that ends early, or in an edit, says what it says up to there', () => {
    const whole = logOf(edits)
    expect(decodeManifest(whole.subarray(0, whole.length - 1)).logNumber).toBe(300)
    expect(decodeManifest(whole.subarray(0, 40_000))).toEqual(nothing(0))
    expect(decodeManifest(logOf([logNumber(5), Buffer.of(7, 1, 9)]))).toEqual(nothing(5))
    expect(decodeManifest(logOf([logNumber(5), Buffer.of(99, 2, 6)])).logNumber).toBe(5)
    expect(decodeManifest(Buffer.alloc(0))).toEqual(nothing(0))
  })

  it('has an edit that says it is longer than the file: damage where it is whole but for that, unfinished where it is not', () => {
    const [first, middle, last] = [logNumber(5), Buffer.alloc(200, 1), logNumber(9)]
    const longer = (records: readonly Buffer[]): Buffer => {
      const bytes = Buffer.from(logOf(records))
      bytes.writeUInt16LE(0x4000, logOf([first]).length + 4)
      return bytes
    }
    const damagedAt = logOf([first]).length
    expect(decodeManifest(longer([first, middle, last]))).toMatchObject({ logNumber: 5, damagedAt })
    expect(decodeManifest(longer([first, middle]))).toMatchObject({ logNumber: 5, damagedAt })
    const cut = longer([first, middle])
    expect(decodeManifest(cut.subarray(0, cut.length - 1))).toMatchObject({ logNumber: 5, damagedAt: undefined })
    // The first of its parts was written and the others were not.
    const torn = logOf([first, snapshot]).subarray(0, 40_000)
    expect(decodeManifest(torn)).toMatchObject({ logNumber: 5, damagedAt: undefined })
  })

  it('says nothing behind damage', () => {
    const whole = Buffer.from(logOf([logNumber(5), Buffer.alloc(200, 1), logNumber(9)]))
    whole[60] = 0
    expect(decodeManifest(whole).logNumber).toBe(5)
  })
})
