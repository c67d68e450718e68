import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelFollower, openLevelStore } from '../../src/storage/metadata/level-store.ts'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../src/storage/metadata/metadata-store.ts'
import { reservedStore } from '../../src/storage/metadata/reserved-store.ts'
import { sealedStore } from '../../src/storage/metadata/sealed-store.ts'
import { decodeCommits, encodeCommits } from '../../src/storage/metadata/write-codec.ts'
import { testMark } from '../support/log-mark.ts'
import { testCipher } from '../unit/storage/test-cipher.ts'
import { type MetadataStoreSubject, metadataStoreSuite } from './metadata-store.ts'

type Around = (store: MetadataStore) => MetadataStore
const plain: Around = (store) => store
const sealed: Around = (store) => sealedStore(store, testCipher)

const roomy = { ensure: async () => {}, took: () => {} }
const reserved: Around = (store) => reservedStore(store, { space: roomy })

const inMemory = (around: Around) => async (): Promise<MetadataStoreSubject> => ({
  store: around(memoryStore()),
  cleanup: async () => {},
})

const onDisk = (around: Around) => async (): Promise<MetadataStoreSubject> => {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-metadata-'))
  const open = async (): Promise<MetadataStore> =>
    around(
      await openLevelStore(join(directory, 'metadata'), {
        mark: testMark,
        onFailure: (error) => {
          throw error
        },
      }),
    )
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

/** As another thread of the process has it, with its commits decided by the one that owns the store. */
const following = (around: Around) => async (): Promise<MetadataStoreSubject> => {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-metadata-'))
  const path = join(directory, 'metadata')
  const open = async () => {
    const owner = await openLevelStore(path, {
      mark: testMark,
      shared: { onCommitted: () => undefined },
      onFailure: (error) => {
        throw error
      },
    })
    const commits = async (bytes: Uint8Array) => await Promise.all(decodeCommits(Buffer.from(bytes)).map(owner.commit))
    const store = await openLevelFollower(path, async (writes) => (await commits(encodeCommits([writes])))[0] === true)
    const close = async (): Promise<void> => {
      await store.close()
      await owner.close()
    }
    return { close, store: around({ ...store, close }) }
  }
  let opened = await open()
  return {
    store: opened.store,
    reopen: async () => {
      await opened.close()
      opened = await open()
      return opened.store
    },
    cleanup: async () => {
      await opened.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

metadataStoreSuite('memory', inMemory(plain))
metadataStoreSuite('level', onDisk(plain))
metadataStoreSuite('following level', following(plain))
metadataStoreSuite('sealed following level', following(sealed))
metadataStoreSuite('sealed memory', inMemory(sealed))
metadataStoreSuite('sealed level', onDisk(sealed))
metadataStoreSuite('reserved memory', inMemory(reserved))
