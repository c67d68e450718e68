import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SMALL_KIND, sealSmall } from '../../../src/envelope/small-envelope.ts'
import { kmsWorld, rootKey } from '../../support/kms-world.ts'

const DEK = Buffer.alloc(32, 0xd3)

describe('wrap and unwrap', () => {
  it('are inverses for every plaintext and AAD list', async () => {
    const { kms, caller, ...rest } = await kmsWorld()
    const key = await rootKey({ kms, caller, ...rest })
    const plaintexts = fc.uint8Array({ minLength: 1, maxLength: 100 })
    const aads = fc.array(fc.string({ maxLength: 60 }), { maxLength: 5 })
    fc.assert(
      fc.property(plaintexts, aads, (plaintext, aad) => {
        const { ciphertext } = kms.wrap(caller, key, plaintext, aad)
        expect(kms.unwrap(caller, key, ciphertext, aad).plaintext.equals(plaintext)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('never give the same ciphertext twice', async () => {
    const world = await kmsWorld()
    const key = await rootKey(world)
    const once = world.kms.wrap(world.caller, key, DEK, [])
    expect(world.kms.wrap(world.caller, key, DEK, []).ciphertext.equals(once.ciphertext)).toBe(false)
  })

  it('make 32 random bytes when no plaintext is given', async () => {
    const world = await kmsWorld()
    const key = await rootKey(world)
    const { plaintext, ciphertext } = world.kms.wrapNew(world.caller, key, ['a'])
    expect(plaintext).toHaveLength(32)
    expect(world.kms.unwrap(world.caller, key, ciphertext, ['a']).plaintext).toEqual(plaintext)
  })

  it.each([
    ['another list', ['ab', 'c']],
    ['the same characters split elsewhere', ['a', 'bc']],
    ['another order', ['c', 'ab']],
    ['fewer', ['abc']],
    ['none', []],
  ])('bind the AAD: %s does not open', async (_, aad) => {
    const world = await kmsWorld()
    const key = await rootKey(world)
    const { ciphertext } = world.kms.wrap(world.caller, key, DEK, ['abc', ''])
    expect(() => world.kms.unwrap(world.caller, key, ciphertext, aad)).toThrow(
      expect.objectContaining({ code: 'InvalidCiphertext' }),
    )
  })

  it('bind the key: another key of the same instance does not open', async () => {
    const world = await kmsWorld()
    const [one, other] = [await rootKey(world), await rootKey(world)]
    const { ciphertext } = world.kms.wrap(world.caller, one, DEK, [])
    expect(() => world.kms.unwrap(world.caller, other, ciphertext, [])).toThrow(
      expect.objectContaining({ code: 'InvalidCiphertext' }),
    )
  })

  it('bind the key even when another key was imported with the same material', async () => {
    const { kms, caller } = await kmsWorld()
    const importKey = async () => {
      const { key } = await kms.createKey(caller, { name: 'twin', extractable: false, payload: Buffer.alloc(32, 5) })
      return key
    }
    const [one, other] = [await importKey(), await importKey()]
    const { ciphertext } = kms.wrap(caller, one.record.id, DEK, [])
    const asOther = Buffer.from(ciphertext)
    asOther.set(Buffer.from((other.currentVersion?.id ?? '').replaceAll('-', ''), 'hex'), 8)
    for (const forged of [ciphertext, asOther]) {
      expect(() => kms.unwrap(caller, other.record.id, forged, [])).toThrow(
        expect.objectContaining({ code: 'InvalidCiphertext' }),
      )
    }
  })

  it('answer every forgery with one code and one message', async () => {
    const world = await kmsWorld()
    const key = await rootKey(world)
    const { ciphertext, keyVersion } = world.kms.wrap(world.caller, key, DEK, [])
    const flipped = Array.from(ciphertext, (byte, at) => {
      const copy = Buffer.from(ciphertext)
      copy[at] = byte ^ 1
      return copy
    })
    const foreign = sealSmall(
      {
        kind: SMALL_KIND.wrap,
        key: Buffer.alloc(32, 1),
        keyRef: Buffer.from(keyVersion.replaceAll('-', ''), 'hex'),
        context: [],
      },
      DEK,
    )
    const forgeries = [
      ...flipped,
      Buffer.alloc(0),
      Buffer.alloc(500),
      ciphertext.subarray(0, -1),
      Buffer.concat([ciphertext, Buffer.alloc(1)]),
      foreign,
    ]
    const answers = new Set(
      forgeries.map((forgery) => {
        try {
          world.kms.unwrap(world.caller, key, forgery, [])
          return 'opened'
        } catch (error) {
          return error instanceof Error && 'code' in error ? `${error.code} ${error.message}` : 'no code'
        }
      }),
    )
    expect([...answers]).toEqual(['InvalidCiphertext the ciphertext is not valid for this key and its AAD'])
  })

  it.each([16, 24, 32])('work with an imported key of %i bytes', async (length) => {
    const { kms, caller } = await kmsWorld()
    const payload = Buffer.alloc(length, 9)
    const { key, payload: told } = await kms.createKey(caller, { name: 'imported', extractable: false, payload })
    const { ciphertext } = kms.wrap(caller, key.record.id, DEK, [])
    expect(kms.unwrap(caller, key.record.id, ciphertext, []).plaintext).toEqual(DEK)
    expect(told).toBeUndefined()
    expect(payload).toEqual(Buffer.alloc(length))
  })

  it('refuse standard keys', async () => {
    const { kms, caller } = await kmsWorld()
    const { key } = await kms.createKey(caller, { name: 'standard', extractable: true })
    for (const act of [
      () => kms.wrap(caller, key.record.id, DEK, []),
      () => kms.unwrap(caller, key.record.id, DEK, []),
      () => kms.rewrap(caller, key.record.id, DEK, []),
    ]) {
      expect(act).toThrow(expect.objectContaining({ code: 'RootKeyRequired' }))
    }
  })

  it('take at most 255 strings of at most 255 characters as AAD, of Unicode', async () => {
    const world = await kmsWorld()
    const key = await rootKey(world)
    const most = Array.from({ length: 255 }, () => 'x'.repeat(255))
    const { ciphertext } = world.kms.wrap(world.caller, key, DEK, most)
    expect(world.kms.unwrap(world.caller, key, ciphertext, most).plaintext).toEqual(DEK)
    for (const aad of [[...most, 'x'], ['x'.repeat(256)], ['\ud800']]) {
      expect(() => world.kms.wrap(world.caller, key, DEK, aad)).toThrow(
        expect.objectContaining({ code: 'InvalidField' }),
      )
    }
  })
})

describe('key versions', () => {
  it('open what older versions wrapped and hand back the same plaintext under the newest', async () => {
    const world = await kmsWorld({ settings: { rotateIntervalMs: 0 } })
    const { kms, caller } = world
    const key = await rootKey(world)
    const old = kms.wrap(caller, key, DEK, ['x'])
    await kms.rotateKey(caller, key)
    await kms.rotateKey(caller, key)
    const { plaintext, keyVersion, rewrapped } = kms.unwrap(caller, key, old.ciphertext, ['x'])
    expect(plaintext).toEqual(DEK)
    expect(keyVersion).toBe(old.keyVersion)
    const [newest] = kms.listKeyVersions(caller, key, { offset: 0, limit: 10 }).items
    expect(rewrapped?.keyVersion).toBe(newest?.id)
    const again = kms.unwrap(caller, key, rewrapped?.ciphertext ?? Buffer.alloc(0), ['x'])
    expect(again).toEqual({ plaintext: DEK, keyVersion: newest?.id })
  })

  it('rewrap without showing the plaintext', async () => {
    const world = await kmsWorld()
    const { kms, caller } = world
    const key = await rootKey(world)
    const old = kms.wrap(caller, key, DEK, [])
    await kms.rotateKey(caller, key)
    const { ciphertext, keyVersion, previousVersion } = kms.rewrap(caller, key, old.ciphertext, [])
    expect(previousVersion).toBe(old.keyVersion)
    expect(kms.unwrap(caller, key, ciphertext, [])).toEqual({ plaintext: DEK, keyVersion })
  })

  it('do not open under the reference of another version', async () => {
    const world = await kmsWorld()
    const { kms, caller } = world
    const key = await rootKey(world)
    const { ciphertext } = kms.wrap(caller, key, DEK, [])
    await kms.rotateKey(caller, key)
    const { keyVersion } = kms.wrap(caller, key, DEK, [])
    const swapped = Buffer.from(ciphertext)
    swapped.set(Buffer.from(keyVersion.replaceAll('-', ''), 'hex'), 8)
    expect(() => kms.unwrap(caller, key, swapped, [])).toThrow(expect.objectContaining({ code: 'InvalidCiphertext' }))
  })
})
