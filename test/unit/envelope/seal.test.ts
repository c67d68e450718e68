import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { handOver, spend } from '../../../src/base/spent-memory.ts'
import { newDek } from '../../../src/envelope/dek.ts'
import { contextDigest, openPart, sealPart } from '../../../src/envelope/seal.ts'
import { sealedLength } from '../../../src/envelope/segment.ts'
import { referencePart } from '../../support/reference-envelope.ts'
import { chunksOf, codeOf, collect, identity, openWhole, pattern, sealedPart } from './fixtures.ts'

const EDGES = [0, 1, 15, 16, 17, 4_096, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 200_000]

describe('sealing a part', () => {
  it.each(EDGES)('%i bytes: stored as the reference stores them, and read back', (length) => {
    const plaintext = pattern(length)
    const { dek, salt, stored, open } = sealedPart(plaintext)
    const reference = referencePart({ ...identity, dek: dek.bytes, partSalt: salt }, plaintext)
    expect(stored.equals(reference)).toBe(true)
    expect(stored.length).toBe(sealedLength(length))
    expect(openWhole(open, stored, length).equals(plaintext)).toBe(true)
  })

  it('a stream seals to the same bytes however it is cut', async () => {
    const plaintext = pattern(200_000)
    const { dek, salt, stored } = sealedPart(plaintext)
    for (const size of [1_000, 4_095, 65_536, 65_537, 300_000]) {
      const sealer = sealPart(dek, identity, salt)
      expect((await collect(sealer.stream(chunksOf(plaintext, size)))).equals(stored)).toBe(true)
      expect(sealer.plainLength).toBe(plaintext.length)
    }
  })

  it('spends what it is handed over, however its views are cut, and not before it is sealed', async () => {
    const cut = fc.integer({ min: 1, max: 70_000 })
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { minLength: 1, maxLength: 40 }), async (cuts) => {
        const plaintext = pattern(400_000)
        const { dek, salt, stored } = sealedPart(plaintext)
        const memories: Buffer[] = []
        async function* views() {
          for (let start = 0; start < plaintext.length; start += 65_536) {
            const memory = Buffer.allocUnsafeSlow(Math.min(65_536, plaintext.length - start))
            plaintext.copy(memory, 0, start)
            memories.push(handOver(memory))
            for (let at = 0, n = 0; at < memory.length; n++) {
              const length = Math.min(memory.length - at, cuts[n % cuts.length] ?? 1)
              yield memory.subarray(at, at + length)
              at += length
            }
          }
        }
        const sealed: Buffer[] = []
        for await (const piece of sealPart(dek, identity, salt).stream(views())) {
          sealed.push(Buffer.from(piece))
          spend(piece)
        }
        expect(Buffer.concat(sealed).equals(stored)).toBe(true)
        expect(memories.slice(0, -2).every(({ buffer }) => buffer.byteLength === 0)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  it('any bytes, any cut, any range come back', async () => {
    const cases = fc.record({
      length: fc.integer({ min: 1, max: 300_000 }),
      writeSize: fc.integer({ min: 900, max: 90_000 }),
      readSize: fc.integer({ min: 900, max: 90_000 }),
      a: fc.double({ min: 0, max: 1, noNaN: true }),
      b: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    await fc.assert(
      fc.asyncProperty(cases, async ({ length, writeSize, readSize, a, b }) => {
        const plaintext = pattern(length)
        const range = { start: Math.floor(Math.min(a, b) * length), end: Math.ceil(Math.max(a, b) * length) }
        const dek = newDek()
        const sealer = sealPart(dek, identity)
        const stored = await collect(sealer.stream(chunksOf(plaintext, writeSize)))
        using opener = openPart(dek, identity, sealer.partSalt, length, stored.subarray(0, 80), stored.length)
        const { start, end } = opener.ciphertextRange(range)
        const source = chunksOf(stored.subarray(start, end), readSize)
        const expected = plaintext.subarray(range.start, range.end)
        expect((await collect(opener.unseal(range, source))).equals(expected)).toBe(true)
        expect(Buffer.concat(opener.bytes(range, stored.subarray(start, end))).equals(expected)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('reads every segment size of the format', () => {
    const plaintext = pattern(40_000)
    for (const segmentLog2 of [14, 15, 17, 20]) {
      const dek = newDek()
      const partSalt = randomBytes(16)
      const stored = referencePart({ ...identity, dek: dek.bytes, partSalt, segmentLog2 }, plaintext)
      const open = () => openPart(dek, identity, partSalt, plaintext.length, stored.subarray(0, 80), stored.length)
      expect(openWhole(open, stored, plaintext.length).equals(plaintext)).toBe(true)
    }
  })

  it('takes a context digest that the caller has at hand', () => {
    const { dek, salt, stored } = sealedPart(pattern(10))
    const context = contextDigest(identity.bucketId, identity.key)
    expect(Buffer.concat(sealPart(dek, { ...identity, context }, salt).bytes([pattern(10)]))).toEqual(stored)
  })

  it('never uses a salt twice of itself', () => {
    const dek = newDek()
    const salts = Array.from({ length: 1_000 }, () => sealPart(dek, identity).partSalt.toString('hex'))
    expect(new Set(salts).size).toBe(1_000)
  })

  it('never shows plaintext or keys in what is stored', () => {
    const plaintext = Buffer.alloc(100_000, 'plaintext ')
    const { dek, stored } = sealedPart(plaintext)
    expect(stored.includes('plaintext')).toBe(false)
    expect(stored.includes(dek.bytes)).toBe(false)
  })

  it('Precondition: a sealer seals exactly one part.', async () => {
    const sealer = sealPart(newDek(), identity)
    sealer.bytes([pattern(10)])
    expect(() => sealer.bytes([pattern(10)])).toThrow('exactly one')
    await expect(collect(sealer.stream(chunksOf(pattern(10), 5)))).rejects.toThrow('exactly one')
  })

  it('has no length before its end', () => {
    expect(() => sealPart(newDek(), identity).plainLength).toThrow('not sealed')
  })

  it('pulls its source no faster than it is pulled', async () => {
    let pulled = 0
    async function* source() {
      for (let i = 0; i < 100; i++) {
        pulled++
        yield pattern(65_536)
      }
    }
    const stream = sealPart(newDek(), identity).stream(source())
    for (let i = 0; i < 5; i++) await stream.next()
    expect(pulled).toBeLessThanOrEqual(4)
    await stream.return()
  })

  it('passes on an error of its source', async () => {
    async function* source() {
      yield pattern(70_000)
      throw new Error('the client went away')
    }
    await expect(collect(sealPart(newDek(), identity).stream(source()))).rejects.toThrow('the client went away')
  })

  it('closes its source when the reader leaves', async () => {
    let closed = false
    async function* source() {
      try {
        for (;;) yield pattern(65_536)
      } finally {
        closed = true
      }
    }
    for await (const piece of sealPart(newDek(), identity).stream(source())) {
      if (piece.length === 65_536) break
    }
    expect(closed).toBe(true)
  })
})

describe('opening a part', () => {
  const plaintext = pattern(150_000)
  const { open, stored } = sealedPart(plaintext)
  const whole = { start: 0, end: plaintext.length }

  async function* released(source: AsyncIterable<Uint8Array>, range = whole) {
    using opener = open()
    yield* opener.unseal(range, source)
  }

  it('releases only verified segments before an error', async () => {
    const damaged = Buffer.from(stored)
    damaged.writeUInt8(damaged.readUInt8(80 + 65_552 + 7) ^ 1, 80 + 65_552 + 7)
    const out: Buffer[] = []
    const reading = async () => {
      for await (const piece of released(chunksOf(damaged.subarray(80), 10_000))) out.push(piece)
    }
    await expect(reading()).rejects.toMatchObject({ code: 'EnvelopeForged', details: { segment: 1 } })
    expect(Buffer.concat(out).equals(plaintext.subarray(0, 65_536))).toBe(true)
  })

  it('refuses a source that ends early or goes on', async () => {
    const body = stored.subarray(80)
    const early = collect(released(chunksOf(body.subarray(0, -1), 10_000)))
    await expect(early).rejects.toMatchObject({ code: 'EnvelopeForged' })
    const extended = Buffer.concat([body, Buffer.of(0)])
    await expect(collect(released(chunksOf(extended, 10_000)))).rejects.toMatchObject({ code: 'EnvelopeForged' })
    const nothing = collect(released(chunksOf(Buffer.alloc(0), 1)))
    await expect(nothing).rejects.toMatchObject({ code: 'EnvelopeForged' })
  })

  it('releases the last segment only when the source has ended', async () => {
    async function* source() {
      yield stored.subarray(80)
      yield Buffer.of(0)
    }
    const out: Buffer[] = []
    const reading = async () => {
      for await (const piece of released(source())) out.push(piece)
    }
    await expect(reading()).rejects.toMatchObject({ code: 'EnvelopeForged' })
    expect(Buffer.concat(out).equals(plaintext.subarray(0, 131_072))).toBe(true)
  })

  it('passes on an error of its source', async () => {
    async function* source() {
      yield stored.subarray(80, 70_000)
      throw new Error('the disk went away')
    }
    await expect(collect(released(source()))).rejects.toThrow('the disk went away')
  })

  it('closes its source when the reader leaves', async () => {
    let closed = false
    async function* source() {
      try {
        yield* chunksOf(stored.subarray(80), 65_552)
      } finally {
        closed = true
      }
    }
    for await (const _piece of released(source())) break
    expect(closed).toBe(true)
  })

  it('opens nothing once it is disposed', () => {
    const opener = open()
    opener[Symbol.dispose]()
    expect(() => opener.bytes(whole, stored.subarray(80))).toThrow('gone')
  })

  it('refuses another range than there is', () => {
    using opener = open()
    expect(() => opener.ciphertextRange({ start: 0, end: plaintext.length + 1 })).toThrow(RangeError)
  })

  it('gives nothing for an empty range', () => {
    using opener = open()
    expect(opener.bytes({ start: 5, end: 5 }, Buffer.alloc(0))).toEqual([])
  })

  it('verifies the emptiness of an empty part', () => {
    const empty = sealedPart(Buffer.alloc(0))
    expect(openWhole(empty.open, empty.stored, 0)).toHaveLength(0)
    const damaged = Buffer.from(empty.stored)
    damaged.writeUInt8(damaged.readUInt8(90) ^ 1, 90)
    expect(codeOf(() => openWhole(() => empty.open(damaged), damaged, 0))).toBe('EnvelopeForged')
  })
})
