import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { NONCE_SPACE, openNonceSource, openSalts } from '../../../src/storage/metadata/nonce-source.ts'

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}
const storedEpochs = async (store: MetadataStore): Promise<number> =>
  (await store.range(NONCE_SPACE, { gte: Buffer.alloc(0), lt: Buffer.alloc(5, 0xff), limit: 100 })).length

describe('nonce source', () => {
  it('starts a stored epoch at each opening and keeps the salts of earlier ones', async () => {
    const store = memoryStore()
    const first = await openNonceSource(store)
    const { epoch, salt, counter } = first.next()
    expect([epoch, counter, first.next().counter]).toEqual([0, 0, 1])
    expect(await storedEpochs(store)).toBe(1)
    const second = await openNonceSource(store)
    expect(second.next()).toMatchObject({ epoch: 1, counter: 0 })
    expect(second.salt(0)).toEqual(salt)
    expect(second.salt(1)).toHaveLength(16)
    expect(second.salt(1)).not.toEqual(salt)
    expect(second.salt(2)).toBeUndefined()
  })

  it('rolls to the next epoch in the background', async () => {
    const store = memoryStore()
    const source = await openNonceSource(store, { rollAt: 3, usesPerEpoch: 100 })
    const used = new Set<string>()
    for (let use = 0; use < 20; use++) {
      const { epoch, counter } = source.next()
      used.add(`${epoch}/${counter}`)
      await turns()
    }
    expect(used.size).toBe(20)
    expect(await storedEpochs(store)).toBeGreaterThan(4)
    expect(source.next().epoch).toBeGreaterThan(3)
  })

  it('Precondition: a counter is used once in its epoch, and an epoch belongs to one opening of the store.', async () => {
    const store = memoryStore()
    let broken = false
    const failing: MetadataStore = {
      ...store,
      commit: async (writes) => (broken ? Promise.reject(new Error('down')) : store.commit(writes)),
    }
    const source = await openNonceSource(failing, { rollAt: 2, usesPerEpoch: 4 })
    broken = true
    for (let use = 0; use < 4; use++) expect(source.next()).toMatchObject({ epoch: 0, counter: use })
    await turns()
    expect(() => source.next()).toThrow(expect.objectContaining({ code: 'NoncesExhausted' }))

    await openNonceSource(store)
    const stale: MetadataStore = { ...store, range: async () => [] }
    await expect(openNonceSource(stale)).rejects.toMatchObject({ code: 'NonceEpochsCorrupt' })
  })

  it('refuses stored epochs that do not decode', async () => {
    const store = memoryStore()
    await store.commit([{ type: 'put', space: NONCE_SPACE, key: Buffer.alloc(4), value: Buffer.alloc(15) }])
    await expect(openNonceSource(store)).rejects.toMatchObject({ code: 'NonceEpochsCorrupt' })
  })

  it('reads back more epochs than a page holds', async () => {
    const store = memoryStore()
    for (let from = 0; from < 2500; from += 500) {
      await store.commit(
        Array.from({ length: 500 }, (_, n) => {
          const key = Buffer.alloc(4)
          key.writeUInt32BE(from + n)
          return { type: 'put', space: NONCE_SPACE, key, value: Buffer.alloc(16, n) } as const
        }),
      )
    }
    const source = await openNonceSource(store)
    expect(source.next().epoch).toBe(2500)
    expect(source.salt(2499)).toEqual(Buffer.alloc(16, 499))
  })

  it('shares its store with others, which open what it seals once they have followed', async () => {
    const store = memoryStore()
    const sources = [await openNonceSource(store, { rollAt: 2, usesPerEpoch: 50 }), await openNonceSource(store)]
    const salts = await openSalts(store)
    const used = new Set<string>()
    for (let use = 0; use < 30; use++) {
      for (const source of sources) {
        const { epoch, counter } = source.next()
        expect(used.has(`${epoch}/${counter}`)).toBe(false)
        used.add(`${epoch}/${counter}`)
      }
      await turns()
    }
    const rows = await store.range(NONCE_SPACE, { gte: Buffer.alloc(0), lt: Buffer.alloc(5, 0xff), limit: 100 })
    const changes = rows.map(({ key }) => ({ space: NONCE_SPACE, key, isGone: false }))
    for (const each of [...sources, salts]) {
      const apply = await each.follow(changes)
      apply()
      for (const { key, value } of rows) expect(each.salt(key.readUInt32BE())).toEqual(value)
    }
    expect(() => salts.next()).toThrow('seals nothing')
  })

  it('is opened by as many threads at once as there may be, each in an epoch of its own', async () => {
    const store = memoryStore()
    const sources = await Promise.all(Array.from({ length: 64 }, () => openNonceSource(store)))
    expect(new Set(sources.map((source) => source.next().epoch)).size).toBe(64)
  })
})
