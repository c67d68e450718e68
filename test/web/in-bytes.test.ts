import fc from 'fast-check'
import { expect, it } from 'vitest'
import { inBytes } from '../../src/web/pages/bucket/objects/in-bytes.ts'

it('names are in the order in which S3 lists them', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(Math.sign(inBytes(one, other))).toBe(Buffer.compare(Buffer.from(one), Buffer.from(other)))
    }),
  )
  expect(inBytes('a\u{1f600}', 'a\uffee')).toBeGreaterThan(0)
})
