import { randomBytes } from 'node:crypto'
import { mkdtemp, open, readdir, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { BlobInfo, BlobStore } from '../../../src/storage/blob/blob-store.ts'
import { nodeFs } from '../../../src/storage/blob/disk-fs.ts'
import { type DiskStoreOptions, openDiskStore } from '../../../src/storage/blob/disk-store.ts'
import { PACK_HEADER_BYTES } from '../../../src/storage/blob/pack-format.ts'
import { bytesOf, everythingIn } from '../../contract/blob-store.ts'
import { errno, type FaultyDisk, faultyDisk } from './faulty-disk.ts'

const LARGE = 600 * 1024
const isPack = (path: string): boolean => path.includes('/p/')
const isFile = (path: string): boolean => path.includes('/f/')

describe('disk store', () => {
  let root: string
  let disk: FaultyDisk
  let failures: Error[]
  const opened: BlobStore[] = []
  const stored = new Map<string, Buffer>()

  const openStore = async (lease: string, options: Partial<DiskStoreOptions> = {}): Promise<BlobStore> => {
    const store = await openDiskStore(root, {
      lease: lease.padEnd(16, '0'),
      reserveBytes: 0,
      onFailure: (error) => failures.push(error),
      disk,
      ...options,
    })
    opened.push(store)
    return store
  }
  const put = async (store: BlobStore, length: number): Promise<BlobInfo> => {
    const bytes = randomBytes(length)
    const info = await store.put([bytes])
    stored.set(info.id, bytes)
    return info
  }
  /** Everything acknowledged reads back, and nothing else is listed. */
  const expectIntact = async (store: BlobStore): Promise<void> => {
    for (const [id, bytes] of stored) expect((await bytesOf(store, id, 0, bytes.length)).equals(bytes), id).toBe(true)
    expect((await everythingIn(store)).map(({ id }) => id).sort()).toEqual([...stored.keys()].sort())
  }
  const filesUnder = async (directory: string): Promise<string[]> =>
    (await readdir(directory, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .sort()

  beforeEach(async () => {
    root = join(await mkdtemp(join(tmpdir(), 'coffer-disk-')), 'blobs')
    disk = faultyDisk(root)
    failures = []
    stored.clear()
  })
  afterEach(async () => {
    disk.setFault(undefined)
    await Promise.all(opened.splice(0).map((store) => store.close()))
    expect(disk.descriptors()).toBe(0)
    expect(disk.earlyCloses()).toBe(0)
    await rm(join(root, '..'), { recursive: true, force: true })
  })

  describe('order of a write', () => {
    it('lets others have their turn while it reads out of memory', async () => {
      const store = await openStore('1', { disk: nodeFs })
      const { id } = await put(store, 4 * LARGE)
      let turns = 0
      let reading = true
      const turn = (): void => {
        turns++
        if (reading) setImmediate(turn)
      }
      setImmediate(turn)
      const pieces = await bytesOf(store, id, 0, 4 * LARGE)
      reading = false
      expect(pieces.equals(stored.get(id) ?? Buffer.alloc(0))).toBe(true)
      expect(turns).toBeGreaterThan(4)
    })

    it('a file: bytes, then fdatasync, then its directory, then the answer', async () => {
      const store = await openStore('a')
      await put(store, LARGE)
      disk.calls.length = 0
      await put(store, LARGE)
      const path = 'a000000000000000/f/00000000/001'
      const directory = 'a000000000000000/f/00000000'
      expect(disk.calls.filter((call) => !call.startsWith('statfs'))).toEqual([
        `open ${path}`,
        `writev ${path}`,
        `fdatasync ${path}`,
        `open ${directory}`,
        `fsync ${directory}`,
      ])
    })

    describe('a long file', () => {
      const chunk = Buffer.alloc(256 * 1024, 1)
      const CHUNKS = 100
      async function* long(): AsyncGenerator<Buffer> {
        for (let sent = 0; sent < CHUNKS; sent++) yield chunk
      }

      it('is synced while more of it comes, and last of all at its end', async () => {
        const store = await openStore('a')
        disk.calls.length = 0
        const { id, lengthBytes } = await store.put(long(), CHUNKS * chunk.length)
        const calls = disk.calls.filter((call) => /^(writev|fdatasync)/.test(call)).map((call) => call.split(' ')[0])
        expect(calls.filter((call) => call === 'fdatasync').length).toBeGreaterThan(1)
        expect(calls.indexOf('fdatasync')).toBeLessThan(calls.lastIndexOf('writev'))
        expect(calls.at(-1)).toBe('fdatasync')
        stored.set(id, Buffer.alloc(lengthBytes, 1))
        await expectIntact(store)
      })

      it('fails for good when an early sync failed, though the last one would not', async () => {
        const store = await openStore('a')
        let syncs = 0
        disk.setFault((call) => {
          if (call === 'fdatasync' && ++syncs === 1) throw errno('EIO')
        })
        await expect(store.put(long(), CHUNKS * chunk.length)).rejects.toMatchObject({ code: 'BlobStoreFailed' })
        disk.setFault(undefined)
        await expect(store.put([chunk])).rejects.toMatchObject({ code: 'BlobStoreFailed' })
        expect(failures).toHaveLength(1)
      })

      it('that breaks off is not closed under an early sync', async () => {
        const store = await openStore('a')
        const release = Promise.withResolvers<void>()
        disk.setFault((call) => (call === 'fdatasync' ? release.promise : undefined))
        async function* broken(): AsyncGenerator<Buffer> {
          yield* long()
          setTimeout(release.resolve, 10)
          throw new Error('gone')
        }
        await expect(store.put(broken())).rejects.toThrow('gone')
        expect(disk.earlyCloses()).toBe(0)
        expect(await everythingIn(store)).toEqual([])
      })
    })

    it('many files that come slowly: written in smaller pieces once much is gathered', async () => {
      const store = await openStore('a', { packThresholdBytes: 0 })
      const more = Promise.withResolvers<void>()
      const chunk = Buffer.alloc(8192)
      async function* slowly(): AsyncGenerator<Buffer> {
        for (let sent = 0; sent < 25; sent++) yield chunk
        await more.promise
        yield chunk
      }
      // 16 MiB of gathered bytes are 84 of them.
      const puts = Array.from({ length: 100 }, () => store.put(slowly(), 26 * chunk.length))
      await expect.poll(() => disk.calls.filter((call) => call.startsWith('writev')).length).toBeGreaterThan(0)
      more.resolve()
      for (const { id, lengthBytes } of await Promise.all(puts)) stored.set(id, Buffer.alloc(lengthBytes))
      await expectIntact(store)
    })

    it('packed: one write and one fdatasync for all that arrived together', async () => {
      const store = await openStore('a')
      await put(store, 10)
      disk.calls.length = 0
      await Promise.all(Array.from({ length: 50 }, () => put(store, 1000)))
      const path = 'a000000000000000/p/00000000'
      expect(disk.calls.filter((call) => !call.startsWith('statfs'))).toEqual([`writev ${path}`, `fdatasync ${path}`])
      await expectIntact(store)
    })

    it('a new pack is named in its directory before its first blob is acknowledged', async () => {
      const store = await openStore('a')
      disk.calls.length = 0
      await put(store, 10)
      const lease = 'a000000000000000'
      expect(disk.calls.filter((call) => !call.startsWith('statfs'))).toEqual([
        `mkdir ${lease}/p`,
        `open ${lease}`,
        `fsync ${lease}`,
        `open ${lease}/p/00000000`,
        `open ${lease}/p`,
        `fsync ${lease}/p`,
        `writev ${lease}/p/00000000`,
        `fdatasync ${lease}/p/00000000`,
      ])
    })

    it('answers only when the sync is done', async () => {
      const store = await openStore('a')
      for (const length of [10, LARGE]) {
        let release = (): void => {}
        const held = new Promise<void>((resolve) => {
          release = resolve
        })
        let reached = (): void => {}
        const syncing = new Promise<void>((resolve) => {
          reached = resolve
        })
        disk.setFault((call) => {
          if (call !== 'fdatasync') return
          reached()
          return held
        })
        let answered = false
        const answer = put(store, length).then(() => {
          answered = true
        })
        await syncing
        for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
        expect(answered).toBe(false)
        release()
        await answer
      }
    })

    it('a removal is synced before it is acknowledged', async () => {
      const store = await openStore('a')
      const [small, large] = [await put(store, 10), await put(store, LARGE)]
      disk.calls.length = 0
      await store.remove([small.id])
      const pack = 'a000000000000000/p/00000000'
      expect(disk.calls).toEqual([`open ${pack}`, `read ${pack}`, `writev ${pack}`, `fdatasync ${pack}`])
      disk.calls.length = 0
      await store.remove([large.id])
      const directory = 'a000000000000000/f/00000000'
      expect(disk.calls).toEqual([`unlink ${directory}/000`, `open ${directory}`, `fsync ${directory}`])
    })

    it('files are private', async () => {
      const store = await openStore('a')
      await put(store, 10)
      await put(store, LARGE)
      for (const file of await filesUnder(root)) expect((await stat(join(root, file))).mode & 0o777).toBe(0o600)
      expect((await stat(join(root, store.lease))).mode & 0o777).toBe(0o700)
    })
  })

  describe('a file system that fails', () => {
    const failing = async (store: BlobStore, length: number, code: string): Promise<void> => {
      const outcomes = await Promise.allSettled(Array.from({ length: 3 }, () => store.put([randomBytes(length)])))
      for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { code } })
    }

    describe.each([
      ['pack', 1000, isPack],
      ['file', LARGE, isFile],
    ])('under a %s', (_, length, affected) => {
      it.each([
        ['EIO', 'BlobStoreFailed'],
        ['ENOSPC', 'NoSpace'],
        ['EDQUOT', 'NoSpace'],
      ])('%s while writing: only these blobs fail, and the next ones are stored', async (error, code) => {
        const store = await openStore('a')
        for (let n = 0; n < 3; n++) await put(store, length)
        disk.setFault((call, path) => {
          if (call === 'writev' && affected(path)) throw errno(error)
        })
        await failing(store, length, code)
        disk.setFault(undefined)
        const before = new Set([...stored.keys()].map((id) => id.split('/', 3).join('/')))
        for (let n = 0; n < 3; n++) await put(store, length)
        const after = [...stored.keys()].slice(3).map((id) => id.split('/', 3).join('/'))
        // A pack that failed is given up; files share a directory as before.
        if (length < LARGE) expect(after.some((pack) => before.has(pack))).toBe(false)
        await expectIntact(store)
        await store.close()
        await expectIntact(await openStore('b'))
        expect(failures).toEqual([])
      })

      it('a write that stops half-way leaves nothing of the blob', async () => {
        const store = await openStore('a')
        await put(store, length)
        const { writev } = disk
        Object.assign(disk, { writev: halfway(writev) })
        await failing(store, length, 'NoSpace')
        Object.assign(disk, { writev })
        await put(store, length)
        await expectIntact(store)
        await store.close()
        await expectIntact(await openStore('b'))
      })

      it('ENOSPC while syncing: only these blobs fail', async () => {
        const store = await openStore('a')
        await put(store, length)
        disk.setFault((call, path) => {
          if (call === 'fdatasync' && affected(path)) throw errno('ENOSPC')
        })
        await failing(store, length, 'NoSpace')
        disk.setFault(undefined)
        await put(store, length)
        await expectIntact(store)
        expect(failures).toEqual([])
      })

      it('EIO while syncing is final: nothing is written any more, reads go on', async () => {
        const store = await openStore('a')
        await put(store, length)
        disk.setFault((call, path) => {
          if (call === 'fdatasync' && affected(path)) throw errno('EIO')
        })
        await failing(store, length, 'BlobStoreFailed')
        disk.setFault(undefined)
        await failing(store, 10, 'BlobStoreFailed')
        await failing(store, LARGE, 'BlobStoreFailed')
        await expect(store.remove([...stored.keys()])).rejects.toMatchObject({ code: 'BlobStoreFailed' })
        expect(failures).toHaveLength(1)
        expect(failures[0]).toMatchObject({ code: 'BlobStoreFailed' })
        await expectIntact(store)
      })

      it('EIO while syncing the directory is final', async () => {
        const store = await openStore('a')
        disk.setFault((call, path) => {
          if (call === 'fsync' && affected(`${path}/`)) throw errno('EIO')
        })
        await failing(store, length, 'BlobStoreFailed')
        expect(failures).toHaveLength(1)
        expect(await everythingIn(store)).toEqual([])
      })

      it('no descriptor left to open: only these blobs fail', async () => {
        const store = await openStore('a', { packMaxBytes: 256 * 1024 })
        disk.setFault((call, path) => {
          if (call === 'open' && affected(path)) throw errno('EMFILE')
        })
        await failing(store, length, 'BlobStoreFailed')
        disk.setFault(undefined)
        await put(store, length)
        await expectIntact(store)
      })

      it('a removal that fails is reported and can be repeated', async () => {
        const store = await openStore('a')
        const gone = await put(store, length)
        await put(store, length)
        disk.setFault((call, path) => {
          if ((call === 'unlink' || call === 'writev') && affected(path)) throw errno('EIO')
        })
        expect(await store.remove([gone.id])).toEqual([gone.id])
        disk.setFault(undefined)
        await expectIntact(store)
        expect(await store.remove([gone.id])).toEqual([])
        stored.delete(gone.id)
        await expectIntact(store)
      })
    })

    it('a body is ended when the disk fails under it', async () => {
      const store = await openStore('a')
      let ended = 0
      async function* body(): AsyncGenerator<Buffer> {
        try {
          for (;;) yield randomBytes(100_000)
        } finally {
          ended++
        }
      }
      disk.setFault((call) => {
        if (call === 'writev') throw errno('ENOSPC')
      })
      await expect(store.put(body())).rejects.toMatchObject({ code: 'NoSpace' })
      await expect(store.put(body(), 10_000_000)).rejects.toMatchObject({ code: 'NoSpace' })
      disk.setFault((call) => {
        if (call === 'open') throw errno('EMFILE')
      })
      await expect(store.put(body())).rejects.toMatchObject({ code: 'BlobStoreFailed' })
      expect(ended).toBe(3)
      expect(await filesUnder(root)).toEqual([])
    })

    it('a file is closed only when nothing is being written to it or read from it', async () => {
      const store = await openStore('a')
      const info = await put(store, 2 * LARGE)
      const slow = (slowCall: string) => async (call: string) => {
        if (call === slowCall) await new Promise((resolve) => setTimeout(resolve, 10))
      }
      disk.setFault(slow('read'))
      for await (const _ of store.get(info.id, { start: 0, end: 2 * LARGE })) break
      expect(disk.earlyCloses()).toBe(0)
      disk.setFault(slow('writev'))
      async function* aborted(): AsyncGenerator<Buffer> {
        yield randomBytes(300_000)
        throw new Error('aborted')
      }
      await expect(store.put(aborted(), LARGE)).rejects.toThrow('aborted')
      expect(disk.earlyCloses()).toBe(0)
    })

    it('short writes and reads are completed', async () => {
      disk = faultyDisk(root, { shortWrites: 7777 })
      const store = await openStore('a')
      for (const length of [10, 100_000, LARGE]) await put(store, length)
      await Promise.all(Array.from({ length: 20 }, (_, n) => put(store, n * 1000)))
      await expectIntact(store)
    })

    it('reads that fail are coded', async () => {
      const store = await openStore('a')
      const infos = [await put(store, 10), await put(store, LARGE)]
      disk.setFault((call) => {
        if (call === 'read') throw errno('EIO')
      })
      for (const { id, lengthBytes } of infos) {
        await expect(bytesOf(store, id, 0, lengthBytes)).rejects.toMatchObject({ code: 'BlobStoreFailed' })
      }
    })
  })

  describe('reserve', () => {
    it('below it a body is not even begun, reads and removals go on, and so do writes once space is back', async () => {
      let nowMs = 0
      let freeBytes = 10_000_000
      let asked = 0
      Object.assign(disk, {
        statfs: async () => {
          asked++
          return { freeBytes, freeFiles: 1_000_000 }
        },
      })
      const store = await openStore('a', { reserveBytes: 1_000_000, clock: { now: () => nowMs } })
      const [kept, gone] = [await put(store, 1000), await put(store, 1000)]
      expect(asked).toBe(1)
      await expect(store.put([randomBytes(10)], 10)).resolves.toBeDefined()
      let begun = false
      const body = async function* (): AsyncGenerator<Buffer> {
        begun = true
        yield Buffer.alloc(10)
      }
      await expect(store.put(body(), 9_500_000)).rejects.toMatchObject({ code: 'NoSpace' })
      freeBytes = 1_000_005
      nowMs += 1000
      await expect(store.put(body(), 10)).rejects.toMatchObject({ code: 'NoSpace' })
      await expect(store.put([randomBytes(10)])).rejects.toMatchObject({ code: 'NoSpace' })
      expect(begun).toBe(false)
      expect(await bytesOf(store, kept.id, 0, 1000)).toEqual(stored.get(kept.id))
      expect(await store.remove([gone.id])).toEqual([])
      freeBytes = 10_000_000
      nowMs += 1000
      await put(store, 1000)
    })

    it('stops a long body of unknown length before it takes the reserve', async () => {
      Object.assign(disk, { statfs: async () => ({ freeBytes: 5_000_000, freeFiles: 1000 }) })
      const store = await openStore('a', { reserveBytes: 1_000_000, clock: { now: () => 0 } })
      let taken = 0
      async function* endless(): AsyncGenerator<Buffer> {
        for (;;) {
          taken += 100_000
          yield Buffer.alloc(100_000)
        }
      }
      await expect(store.put(endless())).rejects.toMatchObject({ code: 'NoSpace' })
      expect(taken).toBeLessThan(5_000_000)
      expect(await filesUnder(root)).toEqual([])
    })

    it('counts files too', async () => {
      Object.assign(disk, { statfs: async () => ({ freeBytes: 5_000_000, freeFiles: 3 }) })
      const store = await openStore('a')
      await expect(store.put([Buffer.alloc(1)])).rejects.toMatchObject({ code: 'NoSpace' })
    })
  })

  describe('packs', () => {
    it('a torn tail, cut anywhere, is left out and harms nothing before it', async () => {
      const store = await openStore('a')
      for (let n = 0; n < 3; n++) await put(store, 100)
      const last = await put(store, 50)
      await store.close()
      stored.delete(last.id)
      const path = join(root, store.lease, 'p', '00000000')
      const next = await openStore('b')
      for (let cut = 1; cut <= PACK_HEADER_BYTES + 50; cut++) {
        await truncate(path, 3 * (PACK_HEADER_BYTES + 100) + PACK_HEADER_BYTES + 50 - cut)
        expect(await next.list(store.lease, undefined, 10)).toHaveLength(3)
        expect(await next.stat(last.id)).toBeUndefined()
        await expect(bytesOf(next, last.id, 0, 50)).rejects.toMatchObject({
          code: expect.stringMatching(/^Blob(Missing|Torn)$/),
        })
      }
      await expectIntact(next)
      await next.remove([...stored.keys()])
      expect(await filesUnder(root)).toEqual([])
      expect(await next.leases()).toEqual([])
    })

    it('a damaged header hides no other blob from reading, and its pack is unlinked only when no record names any', async () => {
      const store = await openStore('a')
      const infos = [await put(store, 100), await put(store, 100), await put(store, 100)]
      await store.close()
      const handle = await open(join(root, store.lease, 'p', '00000000'), 'r+')
      await handle.write(Buffer.of(0x55), 0, 1, PACK_HEADER_BYTES + 100 + 9)
      await handle.close()
      const next = await openStore('b')
      const [first, damaged, third] = infos
      await expect(bytesOf(next, damaged?.id ?? '', 0, 100)).rejects.toMatchObject({ code: 'BlobTorn' })
      for (const id of [first?.id ?? '', third?.id ?? ''])
        expect(await bytesOf(next, id, 0, 100)).toEqual(stored.get(id))
      expect(await next.list(store.lease, undefined, 10)).toEqual([first])
      // All that a scan finds is gone; what it cannot find must stay.
      await next.remove([first?.id ?? ''])
      expect(await bytesOf(next, third?.id ?? '', 0, 100)).toEqual(stored.get(third?.id ?? ''))
      await next.remove(infos.map(({ id }) => id))
      expect(await filesUnder(root)).toEqual([`${store.lease}/p/00000000`])
      expect(await next.leases()).toEqual([store.lease])
      const asked: string[] = []
      const answer = (named: boolean) => async (prefix: string) => {
        asked.push(prefix)
        return named
      }
      await next.removeUnnamed(store.lease, answer(true))
      expect(await filesUnder(root)).toEqual([`${store.lease}/p/00000000`])
      await next.removeUnnamed(store.lease, answer(false))
      expect(asked).toEqual(Array(2).fill(`${store.lease}/p/00000000/`))
      expect(await filesUnder(root)).toEqual([])
      expect(await next.leases()).toEqual([])
    })

    it('are unlinked when their last blob goes, unless they are still appended to', async () => {
      const store = await openStore('a', { packThresholdBytes: 1000, packMaxBytes: 3000 })
      const infos: BlobInfo[] = []
      for (let n = 0; n < 7; n++) infos.push(await put(store, 1000))
      const packs = async (): Promise<string[]> => (await filesUnder(root)).map((path) => path.slice(-1))
      expect(await packs()).toEqual(['0', '1', '2'])
      const ids = infos.map(({ id }) => id)
      await store.remove(ids.slice(0, 2))
      expect(await packs()).toEqual(['0', '1', '2'])
      await store.remove([ids[2] ?? '', ids[6] ?? ''])
      expect(await packs()).toEqual(['1', '2'])
      ids.forEach((id) => {
        stored.delete(id)
      })
      await put(store, 1000)
      await put(store, 1000)
      await store.remove([...stored.keys()])
      await store.remove(ids)
      expect(await packs()).toEqual([])
      await put(store, 10)
      expect(await packs()).toEqual(['3'])
    })

    it('one that died before its first blob goes with the lease', async () => {
      const store = await openStore('a')
      const info = await put(store, LARGE)
      const pack = join(root, store.lease, 'p')
      await disk.mkdir(pack, 0o700)
      await (await open(join(pack, '00000000'), 'wx')).close()
      await store.close()
      const next = await openStore('b')
      expect(await next.list(store.lease, undefined, 10)).toEqual([info])
      await next.remove([info.id])
      expect(await next.list(store.lease, undefined, 10)).toEqual([])
      expect(await next.leases()).toEqual([])
      expect((await readdir(root)).sort()).toEqual([next.lease])
    })

    it('readers that began before a pack is unlinked finish', async () => {
      const store = await openStore('a')
      const info = await put(store, 200_000)
      await store.close()
      const next = await openStore('b')
      const chunks: Buffer[] = []
      for await (const chunk of next.get(info.id, { start: 0, end: 200_000, chunkBytes: 50_000 })) {
        if (chunks.length === 0) await next.remove([info.id])
        chunks.push(chunk)
      }
      expect(Buffer.concat(chunks)).toEqual(stored.get(info.id))
      expect(await filesUnder(root)).toEqual([])
    })

    it('more packs than descriptors are read', async () => {
      const store = await openStore('a', { packThresholdBytes: 100, packMaxBytes: 100 })
      for (let n = 0; n < 150; n++) await put(store, 100)
      await expectIntact(store)
      await Promise.all([...stored].map(async ([id, bytes]) => expect(await bytesOf(store, id, 0, 100)).toEqual(bytes)))
      expect(disk.descriptors()).toBeLessThan(80)
    })
  })

  describe('files that are read', () => {
    const opens = (): number => disk.calls.filter((call) => call.startsWith('open ')).length

    it('are opened once, and closed when they are removed and nobody reads them any more', async () => {
      const store = await openStore('a')
      const { id } = await put(store, LARGE)
      disk.calls.length = 0
      for (let n = 0; n < 3; n++) await expectIntact(store)
      expect(opens()).toBe(1)
      expect(disk.descriptors()).toBe(1)
      const chunks: Buffer[] = []
      for await (const chunk of store.get(id, { start: 0, end: LARGE, chunkBytes: 50_000 })) {
        if (chunks.length === 0) {
          expect(await store.remove([id])).toEqual([])
          expect(disk.descriptors()).toBe(1)
          await expect(bytesOf(store, id, 0, 10)).rejects.toMatchObject({ code: 'BlobMissing' })
        }
        chunks.push(chunk)
      }
      expect(Buffer.concat(chunks)).toEqual(stored.get(id))
      await vi.waitFor(() => expect(disk.descriptors()).toBe(0))
    })

    it('may be more than descriptors', async () => {
      const store = await openStore('a', { packThresholdBytes: 0 })
      for (let n = 0; n < 100; n++) await put(store, 100)
      await expectIntact(store)
      await Promise.all([...stored].map(async ([id, bytes]) => expect(await bytesOf(store, id, 0, 100)).toEqual(bytes)))
      await vi.waitFor(() => expect(disk.descriptors()).toBeLessThanOrEqual(64))
    })
  })

  describe('leases', () => {
    it('one is used once', async () => {
      const store = await openStore('a')
      await store.close()
      await expect(openStore('a')).rejects.toMatchObject({ code: 'BlobStoreFailed' })
    })

    it.each(['', 'A'.repeat(16), '../../../../etc/a', '0'.repeat(17)])('%j is none', async (lease) => {
      await expect(openDiskStore(root, { lease, reserveBytes: 0, onFailure: () => {} })).rejects.toThrow(RangeError)
    })

    it('what does not belong there is neither listed nor touched', async () => {
      const store = await openStore('a')
      await put(store, LARGE)
      await put(store, 10)
      for (const path of [
        'stray',
        `${store.lease}/stray`,
        `${store.lease}/f/stray`,
        `${store.lease}/f/00000000/stray`,
        `${store.lease}/p/stray`,
      ]) {
        await (await open(join(root, path), 'wx')).close()
      }
      await expectIntact(store)
      await store.close()
      const next = await openStore('b')
      await expectIntact(next)
      await next.remove([...stored.keys()])
      expect((await filesUnder(root)).filter((path) => path.endsWith('stray'))).toHaveLength(5)
    })
  })
})

/** Writes half of what it is given, and then says that the disk is full. */
function halfway(writev: FaultyDisk['writev']): FaultyDisk['writev'] {
  const begun = new Set<number>()
  return async (fd, buffers, position) => {
    if (begun.has(fd)) throw errno('ENOSPC')
    begun.add(fd)
    const all = Buffer.concat(buffers)
    return writev(fd, [all.subarray(0, Math.ceil(all.length / 2))], position)
  }
}
