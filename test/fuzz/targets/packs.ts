import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type DiskFs, nodeFs } from '../../../src/storage/blob/disk-fs.ts'
import { encodePackHeader, PACK_HEADER_BYTES, REMOVED, STATE_OFFSET } from '../../../src/storage/blob/pack-format.ts'
import { scanPack } from '../../../src/storage/blob/pack-scan.ts'
import { type FuzzTarget, never } from '../target.ts'

const record = (bytes: Buffer, removed = false): Buffer => {
  const header = encodePackHeader(bytes.length)
  if (removed) header.set(REMOVED, STATE_OFFSET)
  return Buffer.concat([header, bytes])
}
const memory = (bytes: Buffer): DiskFs => ({
  ...nodeFs,
  read: (_fd, buffer, offset, length, position) => {
    const piece = bytes.subarray(position, position + length)
    buffer.set(piece, offset)
    return piece.length
  },
})

export const packTarget: FuzzTarget = {
  name: 'pack',
  seeds: [
    Buffer.concat([record(Buffer.from('one')), record(Buffer.alloc(0)), record(Buffer.alloc(100, 1), true)]),
    Buffer.concat([record(Buffer.alloc(5)), encodePackHeader(0xffffffff)]),
  ],
  inputs: fc
    .array(fc.tuple(fc.nat({ max: 0xffffffff }), fc.uint8Array({ maxLength: 40 })), { maxLength: 5 })
    .map((pieces) =>
      Buffer.concat(pieces.flatMap(([length, bytes]) => [encodePackHeader(length % 50), Buffer.from(bytes)])),
    ),
  mayThrow: never,
  run: async (input) => {
    let next = 0
    for await (const { offset, lengthBytes } of scanPack(memory(input), 0, 0, input.length)) {
      assert.equal(offset, next, 'records of a pack overlap, or leave room')
      next = offset + PACK_HEADER_BYTES + lengthBytes
      assert.ok(next <= input.length, 'a record ends behind its pack')
    }
  },
}
