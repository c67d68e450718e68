import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DiskBlobName, fileName, formatBlobId, packName, parseBlobId } from '../../../src/storage/blob/blob-id.ts'
import {
  decodePackHeader,
  encodePackHeader,
  PACK_HEADER_BYTES,
  STATE_OFFSET,
} from '../../../src/storage/blob/pack-format.ts'

const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const lease = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }).map((value) => value.toString(16).padStart(16, '0'))

describe('blob ids', () => {
  const file = fc.record({ kind: fc.constant('file' as const), lease, number: fc.integer({ min: 0, max: 2 ** 40 }) })
  const names: fc.Arbitrary<DiskBlobName> = fc.oneof(
    file.map(({ kind, number, ...rest }) => ({ kind, ...rest, ...fileName(number) })),
    fc.record({ kind: fc.constant('packed' as const), lease, pack: u32.map(packName), offset: u32, lengthBytes: u32 }),
  )

  it('parse to what was formatted', () => {
    fc.assert(
      fc.property(names, (name) => {
        expect(parseBlobId(formatBlobId(name))).toEqual(name)
      }),
    )
  })

  it('are the only text that parses to them', () => {
    const text = fc.oneof(
      fc.string(),
      names
        .map(formatBlobId)
        .chain((id) => fc.constantFrom(`${id}0`, ` ${id}`, id.slice(1), id.toUpperCase(), id.replace('/', '//'))),
    )
    fc.assert(
      fc.property(text, (id) => {
        const name = parseBlobId(id)
        expect(name === undefined || formatBlobId(name) === id).toBe(true)
      }),
    )
  })

  it('sort as the files they name were made', () => {
    const ids = [0, 1, 4095, 4096, 4097, 70_000, 2 ** 33].map((number) =>
      formatBlobId({ kind: 'file', lease: '0'.repeat(16), ...fileName(number) }),
    )
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('pack headers', () => {
  it('decode to what was encoded, wherever they are', () => {
    fc.assert(
      fc.property(u32, fc.nat(100), (lengthBytes, at) => {
        const bytes = Buffer.concat([Buffer.alloc(at, 0x43), encodePackHeader(lengthBytes)])
        expect(decodePackHeader(bytes, at)).toEqual({ lengthBytes, live: true })
      }),
    )
  })

  it('have these bytes', () => {
    expect(encodePackHeader(0x01020304).toString('hex')).toBe('4346504b0100000001020304bcd44f1e')
  })

  it('any changed bit is noticed, but for the state, where only 0xFF means removed', () => {
    const header = encodePackHeader(1234)
    for (let bit = 0; bit < PACK_HEADER_BYTES * 8; bit++) {
      const changed = Buffer.from(header)
      const at = bit >> 3
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << (bit & 7)), at)
      expect(decodePackHeader(changed)).toEqual(at === STATE_OFFSET ? { lengthBytes: 1234, live: true } : undefined)
    }
    header[STATE_OFFSET] = 0xff
    expect(decodePackHeader(header)).toEqual({ lengthBytes: 1234, live: false })
  })

  it('are not found in fewer bytes', () => {
    for (let length = 0; length < PACK_HEADER_BYTES; length++) {
      expect(decodePackHeader(encodePackHeader(5).subarray(0, length))).toBeUndefined()
    }
  })
})
