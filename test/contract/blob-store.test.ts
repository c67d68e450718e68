import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BlobStore } from '../../src/storage/blob/blob-store.ts'
import { classedStore } from '../../src/storage/blob/classed-store.ts'
import { type DiskStoreOptions, openDiskStore } from '../../src/storage/blob/disk-store.ts'
import { type BlobStoreSubject, blobStoreSuite } from './blob-store.ts'

type Settings = Pick<DiskStoreOptions, 'packThresholdBytes' | 'packMaxBytes'>

const onDisk = (settings: Settings) => async (): Promise<BlobStoreSubject> => {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-blobs-'))
  let runs = 0
  const open = (): Promise<BlobStore> =>
    openDiskStore(join(directory, 'blobs'), {
      ...settings,
      lease: (++runs).toString(16).padStart(16, '0'),
      reserveBytes: 0,
      onFailure: (error) => {
        throw error
      },
    })
  let store = await open()
  return {
    store,
    reopen: async () => {
      await store.close()
      store = await open()
      return store
    },
    cleanup: async () => {
      await store.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Every second blob in the store of a class, as if the two were one. */
const classed = async (): Promise<BlobStoreSubject> => {
  const main = await onDisk({})()
  const other = await onDisk({})()
  const both = (one: BlobStore, two: BlobStore): BlobStore => {
    const store = classedStore(one, new Map([['COLD', two]]))
    let turn = 0
    return { ...store, put: (...input) => store.putIn(turn++ % 2 === 0 ? 'COLD' : undefined)(...input) }
  }
  return {
    store: both(main.store, other.store),
    reopen: async () => both(await main.reopen(), await other.reopen()),
    cleanup: async () => {
      await main.cleanup()
      await other.cleanup()
    },
  }
}

const KIB = 1024
blobStoreSuite('two storage classes', classed, { edges: [256 * KIB] })
blobStoreSuite('disk', onDisk({}), { edges: [256 * KIB] })
blobStoreSuite('disk, files only', onDisk({ packThresholdBytes: 0 }), { edges: [256 * KIB] })
blobStoreSuite('disk, packs only', onDisk({ packThresholdBytes: 64 * 1024 * KIB }), { edges: [256 * KIB] })
blobStoreSuite('disk, many small packs', onDisk({ packThresholdBytes: 16 * KIB, packMaxBytes: 16 * KIB }), {
  edges: [16 * KIB],
})
