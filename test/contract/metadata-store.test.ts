import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelStore } from '../../src/storage/metadata/level-store.ts'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../src/storage/metadata/metadata-store.ts'
import { reservedStore } from '../../src/storage/metadata/reserved-store.ts'
import { sealedStore } from '../../src/storage/metadata/sealed-store.ts'
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

metadataStoreSuite('memory', inMemory(plain))
metadataStoreSuite('level', onDisk(plain))
metadataStoreSuite('sealed memory', inMemory(sealed))
metadataStoreSuite('sealed level', onDisk(sealed))
metadataStoreSuite('reserved memory', inMemory(reserved))
