import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { sealedStore } from '../../../src/storage/metadata/sealed-store.ts'
import { testCipher } from './test-cipher.ts'

const key = Buffer.from('bucket/key')
const other = Buffer.from('bucket/other')
const value = Buffer.from('the plaintext value')
const ALL = { gte: Buffer.alloc(0), lt: Buffer.alloc(9, 0xff), limit: 10 }
const groupAll = { ...ALL, prefix: Buffer.alloc(0), from: Buffer.alloc(0), delimiter: Buffer.from('|') }

async function stores() {
  const inner = memoryStore()
  const sealed = sealedStore(inner, testCipher)
  await sealed.commit([{ type: 'put', space: 3, key, value }])
  const stored = (await inner.get(3, key))?.value ?? Buffer.alloc(0)
  return { inner, sealed, stored }
}

describe('sealed store', () => {
  it('stores nothing of a value in clear', async () => {
    const { stored } = await stores()
    expect(stored.length).toBeGreaterThan(value.length)
    expect(stored.includes('plaintext')).toBe(false)
  })

  it('a changed value is MetadataCorrupt however it is read, naming the space and nothing else', async () => {
    const { inner, sealed, stored } = await stores()
    for (let at = 0; at < stored.length; at++) {
      const changed = Buffer.from(stored)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      await inner.commit([{ type: 'put', space: 3, key, value: changed }])
      await expect(sealed.get(3, key)).rejects.toMatchObject({ code: 'MetadataCorrupt', details: { space: 3 } })
    }
    await expect(sealed.getMany(3, [key])).rejects.toMatchObject({ code: 'MetadataCorrupt' })
    await expect(sealed.range(3, ALL)).rejects.toMatchObject({ code: 'MetadataCorrupt' })
    await using snapshot = await sealed.snapshot()
    await expect(snapshot.range(3, ALL)).rejects.toMatchObject({ code: 'MetadataCorrupt' })
    await expect(sealed.groups(3, groupAll)).rejects.toThrow(/^a value of space 3 does not authenticate$/)
  })

  it.each([0, 1, 12, 27])('a value cut to %i bytes is MetadataCorrupt', async (length) => {
    const { inner, sealed, stored } = await stores()
    await inner.commit([{ type: 'put', space: 3, key, value: stored.subarray(0, length) }])
    await expect(sealed.get(3, key)).rejects.toMatchObject({ code: 'MetadataCorrupt' })
  })

  it('a value moved to another key or space is MetadataCorrupt', async () => {
    const { inner, sealed, stored } = await stores()
    await inner.commit([
      { type: 'put', space: 3, key: other, value: stored },
      { type: 'put', space: 4, key, value: stored },
    ])
    await expect(sealed.get(3, other)).rejects.toMatchObject({ code: 'MetadataCorrupt' })
    await expect(sealed.get(4, key)).rejects.toMatchObject({ code: 'MetadataCorrupt' })
    expect((await sealed.get(3, key))?.value).toEqual(value)
  })
})
