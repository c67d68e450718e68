import { CodedError } from '../../base/errors.ts'
import type { BlobId, BlobInfo, BlobStore, BlobStoreErrorCode } from './blob-store.ts'

/** The store that is always there, with those of further storage classes beside it, as one. */
export interface ClassedBlobStore extends BlobStore {
  /** Of the store of a class; undefined: the one that is always there. Throws BlobStoreFailed for a class that there is not. */
  readonly putIn: (storageClass: string | undefined) => BlobStore['put']
  /** Does the blob lie in the store of this class? */
  readonly isIn: (id: BlobId, storageClass: string | undefined) => boolean
}

const LEASE_CHARACTERS = 16
const CLASSED = /^([0-9a-f]{16})\/@([A-Z0-9_]+)(\/.+)$/

/**
 * Every store has the same lease. A blob of a class is `<lease>/@<class>/…` outside and `<lease>/…` in its store; one that
 * names a class that is not set up any more is not lost: it cannot be read, and what is removed of it stays to be removed.
 */
export function classedStore(main: BlobStore, classes: ReadonlyMap<string, BlobStore> = new Map()): ClassedBlobStore {
  const stores: readonly (readonly [string | undefined, BlobStore])[] = [[undefined, main], ...classes]
  const storeOf = storesByClass(main, classes)
  const putIn =
    (storageClass: string | undefined): BlobStore['put'] =>
    async (body, lengthBytes) => {
      const info = await storeOf(storageClass).put(body, lengthBytes)
      return { ...info, id: outside(info.id, storageClass) }
    }

  return {
    lease: main.lease,
    put: putIn(undefined),
    putIn,
    isIn: (id, storageClass) => splitBlobId(id).storageClass === storageClass,
    ...classedReader(main, classes),
    remove: async (ids) => {
      const left = ids.filter((id) => {
        const { storageClass } = splitBlobId(id)
        return storageClass !== undefined && !classes.has(storageClass)
      })
      const kept = await Promise.all(
        stores.map(async ([storageClass, store]) => {
          const own = ids.map(splitBlobId).filter((one) => one.storageClass === storageClass)
          const failed = own.length > 0 ? await store.remove(own.map(({ inner }) => inner)) : []
          return failed.map((id) => outside(id, storageClass))
        }),
      )
      return [...left, ...kept.flat()]
    },
    letGo: (ids) => {
      for (const [storageClass, store] of stores) {
        const own = ids.map(splitBlobId).filter((one) => one.storageClass === storageClass)
        store.letGo?.(own.map(({ inner }) => inner))
      }
    },
    leases: async () => [...new Set((await Promise.all(stores.map(([, store]) => store.leases()))).flat())].sort(),
    list: async (lease, after, limit) => {
      const pages = stores.map(async ([storageClass, store]): Promise<BlobInfo[]> => {
        const first = outside(`${lease}/`, storageClass)
        const from = after?.startsWith(first) ? splitBlobId(after).inner : undefined
        if (storageClass !== undefined && after !== undefined && from === undefined && after > first) return []
        const page = await store.list(lease, storageClass === undefined ? after : from, limit)
        return page.map((info) => ({ ...info, id: outside(info.id, storageClass) }))
      })
      const all = (await Promise.all(pages)).flat()
      return all.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, Math.max(limit, 0))
    },
    removeUnnamed: async (lease, isNamed) => {
      for (const [storageClass, store] of stores) {
        await store.removeUnnamed(lease, (prefix) => isNamed(outside(prefix, storageClass)))
      }
    },
    close: async () => {
      for (const [, store] of stores) await store.close()
    },
  }
}

type Readable = Pick<BlobStore, 'get' | 'stat'>

/** The reading half of `classedStore`. */
export function classedReader(main: Readable, classes: ReadonlyMap<string, Readable>): Readable {
  const storeOf = storesByClass(main, classes)
  const at = (id: BlobId): { readonly store: Readable; readonly inner: BlobId } => {
    const { storageClass, inner } = splitBlobId(id)
    return { store: storeOf(storageClass), inner }
  }
  return {
    get: (id, range) => {
      const { store, inner } = at(id)
      return store.get(inner, range)
    },
    stat: async (id) => {
      const { store, inner } = at(id)
      const info = await store.stat(inner)
      return info && { ...info, id }
    },
  }
}

function storesByClass<Store>(main: Store, classes: ReadonlyMap<string, Store>) {
  return (storageClass: string | undefined): Store => {
    const store = storageClass === undefined ? main : classes.get(storageClass)
    if (store) return store
    throw new CodedError<BlobStoreErrorCode>(
      'BlobStoreFailed',
      `the storage class ${storageClass} is not set up: name its directory in the settings`,
      { details: { storageClass } },
    )
  }
}

/** Of an id, or of the beginning of one. */
export const outside = (id: string, storageClass: string | undefined): string =>
  storageClass === undefined ? id : `${id.slice(0, LEASE_CHARACTERS)}/@${storageClass}${id.slice(LEASE_CHARACTERS)}`

/** The class that an id names, and the id in the store of that class. */
export function splitBlobId(id: BlobId): { readonly storageClass: string | undefined; readonly inner: BlobId } {
  const [, lease, storageClass, rest] = CLASSED.exec(id) ?? []
  return storageClass === undefined ? { storageClass, inner: id } : { storageClass, inner: `${lease}${rest}` }
}
