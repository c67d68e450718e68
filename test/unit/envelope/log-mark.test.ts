import { createHmac, hkdfSync } from 'node:crypto'
import { expect, it } from 'vitest'
import { logMark } from '../../../src/envelope/log-mark.ts'

const root = Buffer.alloc(32, 5)

it('a mark is what docs/envelope-format.md says', () => {
  const info = Buffer.from('CRC1/log\0\0\0\0\x08metadata', 'latin1')
  const key = Buffer.from(hkdfSync('sha256', root, Buffer.alloc(32), info, 32))
  const number = Buffer.from('0123456789ab', 'hex')
  const expected = createHmac('sha256', key).update(number).digest().subarray(0, 16)
  expect(logMark(root, 'metadata')(0x0123456789ab)).toEqual(expected)
})

it('each store and each number has its own, and it outlives the root that was given', () => {
  const given = Buffer.from(root)
  const mark = logMark(given, 'metadata')
  given.fill(0)
  expect(mark(1)).toEqual(logMark(root, 'metadata')(1))
  const marks = [mark(1), mark(2), logMark(root, 'kms')(1), logMark(Buffer.alloc(32, 6), 'metadata')(1)]
  expect(new Set(marks.map((bytes) => bytes.toString('hex'))).size).toBe(4)
})
