import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NonceSource } from '../../../src/base/nonces.ts'
import { RECORD_OVERHEAD_BYTES, recordCipher } from '../../../src/envelope/record-cipher.ts'
import { referenceRecord } from '../../support/reference-envelope.ts'
import { codeOf } from './fixtures.ts'

/** Epochs as a store keeps them; `reopen` starts the next one. */
function epochs() {
  const salts: Buffer[] = []
  let counter = 0
  const reopen = () => {
    salts.push(randomBytes(16))
    counter = 0
  }
  reopen()
  const nonces: NonceSource = {
    next: () => ({ epoch: salts.length - 1, salt: salts.at(-1) ?? randomBytes(16), counter: counter++ }),
    salt: (epoch) => salts[epoch],
  }
  const skipTo = (to: number) => {
    counter = to
  }
  return { nonces, salts, reopen, skipTo }
}

const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array))

describe('record cipher', () => {
  it('opens what it sealed, sealed as the reference seals it', () => {
    const { nonces, salts, reopen } = epochs()
    const root = randomBytes(32)
    const cipher = recordCipher(root, nonces, 'records')
    fc.assert(
      fc.property(bytes, bytes, fc.boolean(), (aad, plaintext, next) => {
        if (next) reopen()
        const sealed = cipher.seal(aad, plaintext)
        expect(sealed.length).toBe(plaintext.length + RECORD_OVERHEAD_BYTES)
        expect(cipher.open(aad, sealed).equals(plaintext)).toBe(true)
        const [epoch, counter] = [sealed.readUInt32BE(0), sealed.readUInt32BE(4)]
        const epochSalt = salts[epoch] ?? Buffer.alloc(0)
        const reference = referenceRecord({ root, label: 'records', epoch, epochSalt, counter, aad }, plaintext)
        expect(sealed.equals(reference)).toBe(true)
      }),
    )
  })

  it('opens records of epochs before', () => {
    const { nonces, reopen } = epochs()
    const root = randomBytes(32)
    const aad = Buffer.from('bucket/key')
    const sealed = Array.from({ length: 5 }, (_, i) => {
      reopen()
      return recordCipher(root, nonces, 'records').seal(aad, Buffer.from(`${i}`))
    })
    const cipher = recordCipher(root, nonces, 'records')
    expect(sealed.map((record) => cipher.open(aad, record).toString())).toEqual(['0', '1', '2', '3', '4'])
  })

  it('opens nothing elsewhere: other place, label, root, or epoch', () => {
    const { nonces, reopen } = epochs()
    const root = randomBytes(32)
    const cipher = recordCipher(root, nonces, 'records')
    const aad = Buffer.from('here')
    const sealed = cipher.seal(aad, Buffer.from('value'))
    reopen()
    const moved = Buffer.from(sealed)
    moved.writeUInt32BE(1, 0)
    const unknown = Buffer.from(sealed)
    unknown.writeUInt32BE(9, 0)
    expect(codeOf(() => cipher.open(Buffer.from('there'), sealed))).toBe('EnvelopeForged')
    expect(codeOf(() => recordCipher(root, nonces, 'other').open(aad, sealed))).toBe('EnvelopeForged')
    expect(codeOf(() => recordCipher(randomBytes(32), nonces, 'records').open(aad, sealed))).toBe('EnvelopeForged')
    expect(codeOf(() => cipher.open(aad, moved))).toBe('EnvelopeForged')
    expect(codeOf(() => cipher.open(aad, unknown))).toBe('EnvelopeForged')
  })

  it('opens nothing that was changed, cut or extended', () => {
    const { nonces } = epochs()
    const cipher = recordCipher(randomBytes(32), nonces, 'records')
    const aad = Buffer.from('here')
    const sealed = cipher.seal(aad, Buffer.from('value'))
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed)
      changed.writeUInt8(changed.readUInt8(at) ^ 0x80, at)
      expect(
        codeOf(() => cipher.open(aad, changed)),
        `byte ${at}`,
      ).toBe('EnvelopeForged')
      expect(
        codeOf(() => cipher.open(aad, sealed.subarray(0, at))),
        `cut at ${at}`,
      ).toBe('EnvelopeForged')
    }
    expect(codeOf(() => cipher.open(aad, Buffer.concat([sealed, Buffer.of(0)])))).toBe('EnvelopeForged')
  })

  it('refuses a counter beyond the epoch', () => {
    const { nonces, skipTo } = epochs()
    const cipher = recordCipher(randomBytes(32), nonces, 'records')
    skipTo(2 ** 32 - 1)
    expect(() => cipher.seal(Buffer.alloc(0), Buffer.alloc(0))).not.toThrow()
    expect(() => cipher.seal(Buffer.alloc(0), Buffer.alloc(0))).toThrow('no nonces left')
  })
})
