import { LRUCache } from 'lru-cache'
import type { ListedObject, ListPage } from './listed-row.ts'
import type { CachedRows } from './row-cache.ts'

/** Pages of rows that are kept themselves, by what was asked for and the mark under which they were read (RowCache.headsMark). */
export interface ListedPages extends Disposable {
  readonly find: (question: string, mark: string) => ListPage<ListedObject> | undefined
  readonly keep: (question: string, mark: string, page: ListPage<ListedObject>) => void
}

interface Known {
  readonly mark: string
  readonly page: ListPage<ListedObject>
  /** Of the pages that go together. */
  readonly names: Set<string>
}

/** In all buckets together. */
const MAX_BYTES = 8 * 1024 ** 2
const PAGE_BYTES = 500
const ITEM_BYTES = 8

const all = new LRUCache<string, Known>({
  maxSize: MAX_BYTES,
  sizeCalculation: ({ page: { items, commonPrefixes } }, name) =>
    PAGE_BYTES +
    4 * name.length +
    ITEM_BYTES * items.length +
    commonPrefixes.reduce((sum, one) => sum + 2 * one.length, 0),
  dispose: ({ names }, name) => void names.delete(name),
})
let [opened, hits, misses] = [0, 0, 0]

/** In this thread, since it began. Bytes are estimated. */
export const listedPagesCached = (): CachedRows => ({ hits, misses, entries: all.size, bytes: all.calculatedSize })

/** A list of 1,000 that nothing was written to since takes a quarter of the processor time: none of it is read. */
export function listedPages(): ListedPages {
  const names = new Set<string>()
  const own = `${opened++} `
  return {
    find: (question, mark) => {
      const known = all.get(own + question)
      if (known?.mark !== mark) {
        misses++
        return undefined
      }
      hits++
      return known.page
    },
    keep: (question, mark, page) => {
      const name = own + question
      all.set(name, { mark, page, names })
      names.add(name)
    },
    [Symbol.dispose]: () => {
      for (const name of names) all.delete(name)
    },
  }
}
