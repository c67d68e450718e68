import { crc32 as reference } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32, crc32Of, crc32Text, joinCrc32 } from '../../src/web/uploads/crc32.ts'

describe('the checksum of an upload', () => {
  it('is that of zlib, also put together of pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (first, second) => {
        const whole = Buffer.concat([first, second])
        expect(crc32(whole)).toBe(reference(whole))
        expect(joinCrc32(crc32(first), crc32(second), second.length)).toBe(reference(whole))
      }),
    )
  })

  it('is written as S3 has it', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), (crc) => {
        expect(crc32Of(crc32Text(crc))).toBe(crc)
      }),
    )
    expect(crc32Text(reference('small'))).toBe(
      Buffer.from(reference('small').toString(16).padStart(8, '0'), 'hex').toString('base64'),
    )
  })
})
