import type { Kept } from '../envelope/dek.ts'
import type { Space, Token } from '../storage/metadata/metadata-store.ts'
import { type ListedPages, listedPages } from './listed-pages.ts'
import type { ListedRow } from './listed-row.ts'
import type { CachedRows } from './row-cache.ts'

/** What rows of objects tell in a page, found by the row and its token: of a row that was written since, it is not here. */
export interface ListedRows {
  readonly find: (space: Space, row: Buffer, token: Token) => ListedRow | undefined
  /** Whether there was room. */
  readonly keep: (space: Space, row: Buffer, token: Token, listed: ListedRow) => boolean
  readonly pages: ListedPages
}

/** In all buckets together. What does not fit is opened each time. */
const MAX_BYTES = 24 * 1024 ** 2
/** Of a row and its face beside the name, which is in them four times. 300 were measured of a row without a checksum. */
const ROW_BYTES = 1000
const NAMES = 4
let room = MAX_BYTES

let [hits, misses, entries] = [0, 0, 0]

/** In this thread, since it began. Bytes are estimated. */
export const listedRowsCached = (): CachedRows => ({ hits, misses, entries, bytes: MAX_BYTES - room })

const all = new WeakMap<Kept, ListedRows>()

/**
 * Rows that were opened with a bucket metadata key, for as long as that is in the cache. They are used only where the key
 * was given out, which is asked for each time. Of a row that is here neither the record nor the summary is opened:
 * damage that comes to it later is found when it is read for the object, or when this is gone.
 */
export const listedRows = (kept: Kept): ListedRows => all.get(kept) ?? newRows(kept)

interface Known {
  readonly token: Token
  readonly listed: ListedRow
}

function newRows(kept: Kept): ListedRows {
  // A map for each, so that no name is put together of two texts, for each row of each page.
  const spaces = new Map<Space, Map<string, Known>>()
  const pages = listedPages()
  let taken = 0
  const rowsOf = (space: Space): Map<string, Known> => {
    const rows = spaces.get(space) ?? new Map<string, Known>()
    spaces.set(space, rows)
    return rows
  }
  const listedRows: ListedRows = {
    find: (space, row, token) => {
      const found = spaces.get(space)?.get(nameOf(row))
      if (found?.token !== token) {
        misses++
        return undefined
      }
      hits++
      return found.listed
    },
    keep: (space, row, token, listed) => {
      if (!kept.isOpen()) return false
      const rows = rowsOf(space)
      const name = nameOf(row)
      if (!rows.has(name)) {
        const bytes = ROW_BYTES + NAMES * row.length
        if (bytes > room) return false
        room -= bytes
        taken += bytes
        entries++
      }
      rows.set(name, { token, listed })
      return true
    },
    pages,
  }
  const dispose = (): void => {
    for (const rows of spaces.values()) entries -= rows.size
    spaces.clear()
    pages[Symbol.dispose]()
    room += taken
    taken = 0
  }
  all.set(kept, listedRows)
  // Counted here and not there, where it would have no room to grow.
  kept.hold({ [Symbol.dispose]: dispose }, 0)
  return listedRows
}

const nameOf = (row: Buffer): string => row.toString('latin1')
