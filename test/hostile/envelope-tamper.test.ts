import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { newDek } from '../../src/envelope/dek.ts'
import { openManifest, sealManifest } from '../../src/envelope/manifest.ts'
import { sealPart } from '../../src/envelope/seal.ts'
import { openSmall, SMALL_KIND, sealSmall } from '../../src/envelope/small-envelope.ts'
import { chunksOf, codeOf, identity, openWhole, pattern, sealedPart } from '../unit/envelope/fixtures.ts'

// Somebody who writes to the disk while we run: every field of every stored form changed, and runs of it moved.
// Each must end in EnvelopeForged, and whatever was released before must be the bytes that were stored.

const SEGMENT = 65_536 + 16
const plaintext = pattern(3 * 65_536 + 1_000)
const sealed = sealedPart(plaintext)
const { stored } = sealed
const segments = [0, 1, 2, 3].map((i) => stored.subarray(80 + i * SEGMENT, 80 + (i + 1) * SEGMENT))

const flipped = (bytes: Buffer, at: number, mask = 1): Buffer => {
  const out = Buffer.from(bytes)
  out.writeUInt8(out.readUInt8(at) ^ mask, at)
  return out
}

async function expectForged(bytes: Buffer, what: string): Promise<void> {
  expect(
    codeOf(() => openWhole(() => sealed.open(bytes), bytes, plaintext.length)),
    what,
  ).toBe('EnvelopeForged')
  const released: Buffer[] = []
  const reading = async () => {
    using opener = sealed.open(bytes)
    const range = { start: 0, end: plaintext.length }
    for await (const piece of opener.unseal(range, chunksOf(bytes.subarray(80), 50_000))) released.push(piece)
  }
  await expect(reading(), what).rejects.toMatchObject({ code: 'EnvelopeForged' })
  const sent = Buffer.concat(released)
  expect(sent.length, what).toBeLessThan(plaintext.length)
  expect(sent.equals(plaintext.subarray(0, sent.length)), what).toBe(true)
}

describe('tampering with a stored part', () => {
  it('every bit of header and commitment', () => {
    for (let at = 0; at < 80; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const bytes = flipped(stored, at, 1 << bit)
        expect(
          codeOf(() => sealed.open(bytes)),
          `byte ${at} bit ${bit}`,
        ).toBe('EnvelopeForged')
      }
    }
  })

  it('every byte of every tag', async () => {
    for (const [i, segment] of segments.entries()) {
      for (let at = 1; at <= 16; at++) {
        await expectForged(flipped(stored, 80 + i * SEGMENT + segment.length - at), `tag ${i}, ${at} from its end`)
      }
    }
  })

  it('ciphertext at both ends and in the middle of every segment', async () => {
    for (const [i, segment] of segments.entries()) {
      for (const at of [0, 1, Math.floor(segment.length / 2), segment.length - 17]) {
        await expectForged(flipped(stored, 80 + i * SEGMENT + at, 0x80), `segment ${i} byte ${at}`)
      }
    }
  })

  it('cut at every boundary and beside it', async () => {
    for (let i = 0; i <= 4; i++) {
      for (const delta of [-17, -16, -1, 0, 1, 15, 16]) {
        const end = Math.min(80 + i * SEGMENT, stored.length) + delta
        if (end >= stored.length) continue
        await expectForged(stored.subarray(0, end), `cut at ${end}`)
        expect(
          codeOf(() => sealed.open(stored.subarray(0, end))),
          'known before a segment is read',
        ).toBe('EnvelopeForged')
      }
    }
  })

  it('extended by bytes, by a tag, by a segment', async () => {
    for (const more of [Buffer.of(0), Buffer.alloc(16), ...segments]) {
      const bytes = Buffer.concat([stored, more])
      await expectForged(bytes, `${more.length} bytes more`)
      expect(
        codeOf(() => sealed.open(bytes)),
        'known before a segment is read',
      ).toBe('EnvelopeForged')
    }
  })

  it('segments in any other order, repeated or left out', async () => {
    const header = stored.subarray(0, 80)
    for (const order of [
      [1, 0, 2, 3],
      [0, 2, 1, 3],
      [0, 0, 2, 3],
      [0, 1, 1, 3],
      [2, 1, 0, 3],
      [3, 0, 1, 2],
      [0, 1, 2],
      [1, 2, 3],
    ]) {
      const moved = order.map((i) => segments[i] ?? Buffer.alloc(0))
      await expectForged(Buffer.concat([header, ...moved]), `order ${order}`)
    }
  })

  it('a segment, a header or the whole of another attempt, part, upload, bucket, key or DEK', async () => {
    const { dek, salt } = sealed
    const others = {
      attempt: sealPart(dek, identity),
      part: sealPart(dek, { ...identity, partNumber: 1 }, salt),
      upload: sealPart(dek, { ...identity, blobId: randomBytes(16) }, salt),
      bucket: sealPart(dek, { ...identity, bucketId: 'another' }, salt),
      key: sealPart(dek, { ...identity, key: 'another' }, salt),
      dek: sealPart(newDek(), identity, salt),
    }
    for (const [name, sealer] of Object.entries(others)) {
      const other = Buffer.concat(sealer.bytes([plaintext]))
      await expectForged(other, `the whole of another ${name}`)
      await expectForged(Buffer.concat([other.subarray(0, 80), stored.subarray(80)]), `the header of another ${name}`)
      await expectForged(Buffer.concat([stored.subarray(0, 80), other.subarray(80)]), `the body of another ${name}`)
      const at = 80 + 2 * SEGMENT
      const spliced = Buffer.concat([
        stored.subarray(0, at),
        other.subarray(at, at + SEGMENT),
        stored.subarray(at + SEGMENT),
      ])
      await expectForged(spliced, `a segment of another ${name}`)
    }
  })

  it('a range answers with its own segments or not at all', () => {
    using opener = sealed.open()
    const range = { start: 70_000, end: 140_000 }
    const { start, end } = opener.ciphertextRange(range)
    const right = stored.subarray(start, end)
    expect(Buffer.concat(opener.bytes(range, right)).equals(plaintext.subarray(range.start, range.end))).toBe(true)
    for (const shift of [-SEGMENT, -16, -1, 1, 16, SEGMENT]) {
      const wrong = stored.subarray(start + shift, end + shift)
      expect(
        codeOf(() => opener.bytes(range, wrong)),
        `shifted by ${shift}`,
      ).toBe('EnvelopeForged')
    }
    expect(codeOf(() => opener.bytes(range, right.subarray(0, -1)))).toBe('EnvelopeForged')
    expect(codeOf(() => opener.bytes(range, stored.subarray(start, end + 1)))).toBe('EnvelopeForged')
  })
})

describe('tampering with a small envelope', () => {
  const key = randomBytes(32)
  const context = ['kms', 'instance', 'key']
  const small = sealSmall({ kind: SMALL_KIND.keySealing, key, keyRef: randomBytes(16), context }, pattern(48))
  const open = (bytes: Buffer) => codeOf(() => openSmall({ kind: SMALL_KIND.keySealing, key, context }, bytes))

  it('every bit', () => {
    expect(open(small)).toBe('no error')
    for (let at = 0; at < small.length; at++) {
      for (let bit = 0; bit < 8; bit++)
        expect(open(flipped(small, at, 1 << bit)), `byte ${at} bit ${bit}`).toBe('EnvelopeForged')
    }
  })

  it('every length', () => {
    for (let end = 0; end < small.length; end++)
      expect(open(small.subarray(0, end)), `cut at ${end}`).toBe('EnvelopeForged')
    expect(open(Buffer.concat([small, Buffer.of(0)]))).toBe('EnvelopeForged')
  })
})

describe('tampering with a manifest', () => {
  const dek = newDek()
  const version = { bucketId: identity.bucketId, key: identity.key, versionId: 'v1', blobId: identity.blobId }
  const manifest = sealManifest(dek, version, { size: 12, user: { colour: 'green' } })

  it('every byte and every length', () => {
    for (let at = 0; at < manifest.length; at++) {
      const changed = flipped(manifest, at, 0x40)
      expect(
        codeOf(() => openManifest(dek, version, changed)),
        `byte ${at}`,
      ).toBe('EnvelopeForged')
      expect(
        codeOf(() => openManifest(dek, version, manifest.subarray(0, at))),
        `cut at ${at}`,
      ).toBe('EnvelopeForged')
    }
  })

  it('the manifest of another version of the same key', () => {
    const older = sealManifest(dek, { ...version, versionId: 'v0' }, { size: 12 })
    expect(codeOf(() => openManifest(dek, version, older))).toBe('EnvelopeForged')
  })
})
