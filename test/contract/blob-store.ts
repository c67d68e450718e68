import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BlobId, BlobInfo, BlobStore } from '../../src/storage/blob/blob-store.ts'

export interface BlobStoreSubject {
  readonly store: BlobStore
  /** Closes the store and opens it over the same data under a new lease. */
  readonly reopen: () => Promise<BlobStore>
  readonly cleanup: () => Promise<void>
}

export interface BlobStoreSuiteOptions {
  /** Lengths around which the store changes its ways. */
  readonly edges: readonly number[]
}

export async function bytesOf(
  store: BlobStore,
  id: BlobId,
  start: number,
  end: number,
  chunkBytes?: number,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of store.get(id, { start, end, ...(chunkBytes === undefined ? {} : { chunkBytes }) }))
    chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export async function everythingIn(store: BlobStore): Promise<BlobInfo[]> {
  const blobs: BlobInfo[] = []
  for (const lease of await store.leases()) blobs.push(...(await store.list(lease, undefined, 1_000_000)))
  return blobs
}

/** What every BlobStore does. `open` gives a new, empty store each time. */
export function blobStoreSuite(
  name: string,
  open: () => Promise<BlobStoreSubject>,
  { edges }: BlobStoreSuiteOptions,
): void {
  describe(`blob store: ${name}`, () => {
    let subject: BlobStoreSubject
    let store: BlobStore
    beforeEach(async () => {
      subject = await open()
      store = subject.store
    })
    afterEach(() => subject.cleanup())

    const lengths = [...new Set([0, 1, 2, 4096, ...edges.flatMap((edge) => [edge - 1, edge, edge + 1])])]

    describe.each(lengths)('%i bytes', (length) => {
      const bytes = randomBytes(length)
      const bodies: [string, () => AsyncIterable<Uint8Array> | readonly Uint8Array[], number | undefined][] = [
        ['a list of known length', () => [bytes.subarray(0, 10), bytes.subarray(10)], length],
        ['a list', () => [bytes], undefined],
        ['a stream of known length', () => inChunks(bytes, 60_000), length],
        ['a stream', () => inChunks(bytes, 60_000), undefined],
      ]

      it.each(bodies)('%s reads back whole', async (_, body, lengthBytes) => {
        const { id, lengthBytes: stored } = await store.put(body(), lengthBytes)
        expect(stored).toBe(length)
        expect(await store.stat(id)).toEqual({ id, lengthBytes: length })
        expect(digest(await bytesOf(store, id, 0, length))).toBe(digest(bytes))
        expect(id.startsWith(`${store.lease}/`)).toBe(true)
      })

      it('lists, and reads back after a restart', async () => {
        const { id } = await store.put([bytes])
        const lease = store.lease
        expect(await store.list(lease, undefined, 10)).toEqual([{ id, lengthBytes: length }])
        const next = await subject.reopen()
        expect(next.lease).not.toBe(lease)
        expect(await next.leases()).toEqual([lease])
        expect(await next.list(lease, undefined, 10)).toEqual([{ id, lengthBytes: length }])
        expect(await next.stat(id)).toEqual({ id, lengthBytes: length })
        expect(digest(await bytesOf(next, id, 0, length))).toBe(digest(bytes))
      })

      it('is gone once removed, also after a restart', async () => {
        const { id } = await store.put([bytes])
        expect(await store.remove([id])).toEqual([])
        expect(await store.stat(id)).toBeUndefined()
        await expect(bytesOf(store, id, 0, length)).rejects.toMatchObject({ code: 'BlobMissing' })
        expect(await store.remove([id])).toEqual([])
        expect(await everythingIn(store)).toEqual([])
        const next = await subject.reopen()
        expect(await next.stat(id)).toBeUndefined()
        expect(await everythingIn(next)).toEqual([])
        expect(await next.leases()).toEqual([])
      })

      it.each([
        ['shorter', -1],
        ['longer', 1],
      ])('a body %s than said throws BlobTorn and leaves nothing', async (_, difference) => {
        const said = length - difference
        if (said < 0) return
        await expect(store.put([bytes], said)).rejects.toMatchObject({ code: 'BlobTorn' })
        await expect(store.put(inChunks(bytes, 60_000), said)).rejects.toMatchObject({ code: 'BlobTorn' })
        expect(await everythingIn(store)).toEqual([])
      })
    })

    describe('a body that fails', () => {
      const largest = Math.max(...edges)
      it.each([0, 1, 5, 40])('after %i chunks is rethrown and leaves nothing', async (chunks) => {
        const broken = new Error('the client went away')
        let ended = false
        async function* body(): AsyncGenerator<Buffer> {
          try {
            for (let chunk = 0; chunk < chunks; chunk++) yield randomBytes(Math.ceil(largest / 8))
            throw broken
          } finally {
            ended = true
          }
        }
        await expect(store.put(body())).rejects.toBe(broken)
        await expect(store.put(body(), 1000)).rejects.toBeInstanceOf(Error)
        expect(ended).toBe(true)
        expect(await everythingIn(store)).toEqual([])
        const { id } = await store.put([Buffer.from('after')])
        expect((await bytesOf(store, id, 0, 5)).toString()).toBe('after')
      })

      it('ends a body that is longer than said', async () => {
        let ended = 0
        async function* endless(): AsyncGenerator<Buffer> {
          try {
            for (;;) yield Buffer.alloc(1000)
          } finally {
            ended++
          }
        }
        await expect(store.put(endless(), 100)).rejects.toMatchObject({ code: 'BlobTorn' })
        await expect(store.put(endless(), largest * 2)).rejects.toMatchObject({ code: 'BlobTorn' })
        expect(ended).toBe(2)
      })
    })

    describe('ranges', () => {
      const largest = Math.max(...edges)
      it('any range of any blob, in chunks of exactly the size asked for', async () => {
        const all = randomBytes(largest * 5)
        const lengthsStored = [10, 1000, largest - 1, largest + 1, largest * 2, all.length]
        const ids = await Promise.all(
          lengthsStored.map(async (length) => (await store.put([all.subarray(0, length)])).id),
        )
        const request = fc
          .record({
            blob: fc.integer({ min: 0, max: ids.length - 1 }),
            a: fc.nat(),
            b: fc.nat(),
            chunkBytes: fc.integer({ min: 1, max: 100_000 }),
            reuse: fc.boolean(),
          })
          .map(({ blob, a, b, chunkBytes, reuse }) => {
            const length = lengthsStored[blob] ?? 0
            const [start = 0, end = 0] = [a % (length + 1), b % (length + 1)].sort((x, y) => x - y)
            return {
              id: ids[blob] ?? '',
              start,
              end,
              reuse,
              chunkBytes: Math.max(chunkBytes, Math.ceil((end - start) / 500)),
            }
          })
        const property = fc.asyncProperty(request, async ({ id, start, end, chunkBytes, reuse }) => {
          const chunks: Buffer[] = []
          for await (const chunk of store.get(id, { start, end, chunkBytes, reuse })) {
            chunks.push(reuse ? Buffer.from(chunk) : chunk)
          }
          expect(chunks.slice(0, -1).every(({ length }) => length === chunkBytes)).toBe(true)
          expect(chunks.every(({ length }) => length > 0 && length <= chunkBytes)).toBe(true)
          expect(digest(Buffer.concat(chunks))).toBe(digest(all.subarray(start, end)))
        })
        await fc.assert(property, { numRuns: 60 })
      })

      it('beyond the end throws BlobTorn, never a short read', async () => {
        for (const length of [0, 10, largest * 2]) {
          const { id } = await store.put([randomBytes(length)])
          await expect(bytesOf(store, id, 0, length + 1)).rejects.toMatchObject({ code: 'BlobTorn' })
          await expect(bytesOf(store, id, length + 5, length + 10)).rejects.toMatchObject({ code: 'BlobTorn' })
        }
      })

      it('may be left early, and read by many at once', async () => {
        const bytes = randomBytes(largest * 4)
        const { id } = await store.put([bytes])
        for await (const chunk of store.get(id, { start: 0, end: bytes.length, chunkBytes: 1000 })) {
          expect(chunk).toEqual(bytes.subarray(0, 1000))
          break
        }
        const reads = Array.from({ length: 20 }, (_, n) => bytesOf(store, id, n, bytes.length))
        for (const [n, read] of (await Promise.all(reads)).entries())
          expect(digest(read)).toBe(digest(bytes.subarray(n)))
      })

      it('that are none are a RangeError', async () => {
        const { id } = await store.put([Buffer.alloc(10)])
        for (const [start, end, chunkBytes] of [
          [-1, 5, 1],
          [5, 4, 1],
          [0, Number.NaN, 1],
          [0, 1.5, 1],
          [0, 5, 0],
        ] as const) {
          await expect(bytesOf(store, id, start, end, chunkBytes)).rejects.toThrow(RangeError)
        }
      })
    })

    it('ids that it never made are missing', async () => {
      const { id } = await store.put([Buffer.from('secret')])
      const lease = store.lease
      const strange = [
        '',
        '/',
        '..',
        `${lease}/../${id}`,
        `${lease}/f/../../etc/passwd`,
        `${lease}/f/00000000/..`,
        `${lease}/p/00000000`,
        `${lease}/f/00000000/fff`,
        `${lease}/p/00000009/00000000/00000006`,
        `${lease}/p/00000000/00000001/00000006`,
        `${lease}/p/00000000/00000000/00000005`,
        `${lease}/p/ffffffff/ffffffff/ffffffff`,
        `${id}\n`,
        `${id}/`,
        `${id}\u0000`,
        ` ${id}`,
        id.toUpperCase() === id ? 'x' : id.toUpperCase(),
        `ffffffffffffffff${id.slice(16)}`,
      ]
      for (const other of strange) {
        expect(await store.stat(other), other).toBeUndefined()
        await expect(bytesOf(store, other, 0, 1), other).rejects.toMatchObject({
          code: expect.stringMatching(/^Blob(Missing|Torn)$/),
        })
      }
      expect(await store.remove(strange)).toEqual([])
      expect((await bytesOf(store, id, 0, 6)).toString()).toBe('secret')
    })

    it('keeps concurrent blobs apart and gives each its own id', async () => {
      const largest = Math.max(...edges)
      const bodies = Array.from({ length: 120 }, (_, n) => randomBytes(n % 10 === 0 ? largest + n : n * 37))
      const infos = await Promise.all(
        bodies.map((bytes, n) =>
          n % 2 ? store.put([bytes]) : store.put(inChunks(bytes, 10_000), n % 4 ? bytes.length : undefined),
        ),
      )
      expect(new Set(infos.map(({ id }) => id)).size).toBe(120)
      const read = await Promise.all(infos.map(({ id, lengthBytes }) => bytesOf(store, id, 0, lengthBytes)))
      expect(read.map(digest)).toEqual(bodies.map(digest))
    })

    it('lists a lease in pages that join to the whole, in byte order', async () => {
      const largest = Math.max(...edges)
      const infos: BlobInfo[] = []
      for (let n = 0; n < 40; n++) infos.push(await store.put([randomBytes(n % 5 === 0 ? largest + 1 : n)]))
      const byId = (a: BlobInfo, b: BlobInfo): number => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id))
      const removed = infos.splice(7, 9)
      await store.remove(removed.map(({ id }) => id))
      const expected = infos.toSorted(byId)
      for (const limit of [1, 3, 31, 1000]) {
        const pages: BlobInfo[] = []
        for (;;) {
          const page = await store.list(store.lease, pages.at(-1)?.id, limit)
          pages.push(...page)
          if (page.length < limit) break
        }
        expect(pages).toEqual(expected)
      }
      expect(await store.list(store.lease, removed[3]?.id, 1000)).toEqual(
        expected.filter(({ id }) => id > (removed[3]?.id ?? '')),
      )
      expect(await store.list(store.lease, undefined, 0)).toEqual([])
      expect(await store.list('0'.repeat(16), undefined, 10)).toEqual([])
      expect(await store.list('../etc', undefined, 10)).toEqual([])
    })

    it('removes many at once, of this lease and of earlier ones, in any mixture', async () => {
      const largest = Math.max(...edges)
      const put = async (): Promise<BlobInfo[]> =>
        Promise.all(Array.from({ length: 30 }, (_, n) => store.put([randomBytes(n % 3 === 0 ? largest + n : n)])))
      const old = await put()
      store = await subject.reopen()
      const fresh = await put()
      const kept = [...old, ...fresh].filter((_, n) => n % 2 === 0)
      const dropped = [...old, ...fresh].filter((_, n) => n % 2 === 1)
      const ids = dropped.map(({ id }) => id)
      expect(
        await Promise.all([store.remove(ids), store.remove(ids.toReversed()), store.remove([...ids, ...ids])]),
      ).toEqual([[], [], []])
      expect((await everythingIn(store)).map(({ id }) => id).sort()).toEqual(kept.map(({ id }) => id).sort())
      for (const { id, lengthBytes } of kept) expect(await bytesOf(store, id, 0, lengthBytes)).toHaveLength(lengthBytes)
      expect(await store.remove(kept.map(({ id }) => id))).toEqual([])
      expect(await everythingIn(store)).toEqual([])
      expect(await store.leases()).toEqual([])
      expect(await store.remove([])).toEqual([])
    })

    it('frees of an earlier lease what no record names, and nothing that one names', async () => {
      const largest = Math.max(...edges)
      const infos: BlobInfo[] = []
      for (let n = 0; n < 30; n++) infos.push(await store.put([randomBytes(n % 7 === 0 ? largest + 1 : n * 400)]))
      const earlier = store.lease
      const named = infos.filter((_, n) => n % 11 === 3)
      store = await subject.reopen()
      const own = await store.put([Buffer.from('own')])
      const readable = async (): Promise<void> => {
        for (const { id, lengthBytes } of [...named, own])
          expect(await bytesOf(store, id, 0, lengthBytes)).toHaveLength(lengthBytes)
      }
      await store.removeUnnamed(earlier, async (prefix) => {
        expect(prefix.startsWith(`${earlier}/`)).toBe(true)
        return named.some(({ id }) => id.startsWith(prefix))
      })
      await readable()
      await store.removeUnnamed('0123456789abcdef', async () => false)
      await store.removeUnnamed('../..', async () => false)
      await readable()
      await expect(store.removeUnnamed(store.lease, async () => false)).rejects.toThrow(RangeError)
      await readable()
      await store.removeUnnamed(earlier, async () => false)
      const rest = await store.list(earlier, undefined, 1000)
      expect(await store.remove(rest.map(({ id }) => id))).toEqual([])
      expect((await everythingIn(store)).map(({ id }) => id)).toEqual([own.id])
    })

    it('once closed refuses to write, after the writes that were running', async () => {
      const running = Array.from({ length: 10 }, (_, n) => store.put([randomBytes(n * 1000)]))
      const [infos] = await Promise.all([Promise.all(running), store.close()])
      await expect(store.put([Buffer.from('late')])).rejects.toMatchObject({ code: 'BlobStoreFailed' })
      const next = await subject.reopen()
      for (const { id, lengthBytes } of infos) expect(await bytesOf(next, id, 0, lengthBytes)).toHaveLength(lengthBytes)
    })
  })
}
