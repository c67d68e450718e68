type Pair = [key: Buffer, stored: Buffer]

/** Rows that are asked for at once. */
const MANY = 4096

interface Iterator {
  readonly seek: (key: Buffer) => void
  readonly nextv: (size: number) => Promise<Pair[]>
  readonly close: () => Promise<void>
}

/** Pages that are being read. LevelDB, and a snapshot, may be closed behind their iterators only: the process would fall. */
export interface PageReads {
  readonly add: (page: Promise<unknown>) => void
  /** When those are over that are under way now. */
  readonly over: () => Promise<unknown>
}

export function pageReads(): PageReads {
  const all = new Set<Promise<unknown>>()
  return {
    add: (page) => {
      all.add(page)
      const isOver = () => void all.delete(page)
      page.then(isOver, isOver)
    },
    over: () => Promise.allSettled(all),
  }
}

/**
 * All that an iterator of this limit has, whose range begins at `start`; closes it.
 *
 * LevelDB goes past what it cannot read (a table that the system does not open, a block with errors) and keeps the error until it
 * is asked. `level` asks when an iterator has come to its end, and not when a page is full: rows would be left out of it in
 * silence. So a page is read until its iterator says that it has ended.
 */
export function readPage(iterator: Iterator, start: Buffer, limit: number, reads: PageReads): Promise<Pair[]> {
  const page = pageOf(iterator, start, limit)
  reads.add(page)
  return page
}

async function pageOf(iterator: Iterator, start: Buffer, limit: number): Promise<Pair[]> {
  try {
    const rows = await rowsOf(iterator, limit)
    if (rows.length > FEW) await letGo(iterator, start)
    return rows
  } finally {
    await iterator.close()
  }
}

async function rowsOf(iterator: Iterator, limit: number): Promise<Pair[]> {
  const pairs: Pair[] = []
  for (;;) {
    const read = await beyondLimit(iterator, Math.min(limit + 1 - pairs.length, MANY))
    if (read.length === 0) return pairs
    for (const pair of read) pairs.push(pair)
  }
}

/** Rows of whose memory nobody needs to think. */
const FEW = 16

/**
 * `classic-level` keeps the rows that it read last until they are replaced, or until the collector has found the iterator, which is
 * small to V8 and not looked for: pages of 1,000 rows, listed on 64 connections, took gigabytes. So one row takes their place.
 * `start`: a key that it may read.
 */
async function letGo(iterator: Iterator, start: Buffer): Promise<void> {
  iterator.seek(start)
  await beyondLimit(iterator, 1)
}

/**
 * `nextv` asks LevelDB for no more than is left of the limit, and so never for the end. This is what it calls below that; the
 * limit is kept there too.
 */
function beyondLimit(iterator: object, size: number): Promise<Pair[]> {
  if (!hasNextv(iterator)) throw new TypeError('an iterator of level has no _nextv')
  return iterator._nextv(size, {})
}

interface WithNextv {
  readonly _nextv: (size: number, options: object) => Promise<Pair[]>
}

const hasNextv = (iterator: object): iterator is WithNextv =>
  '_nextv' in iterator && typeof iterator._nextv === 'function'

/** Throws what an iterator that goes forward has met, wherever it is. `behind`: a key behind all that it may read. */
export async function checkRead(iterator: Iterator, behind: Buffer): Promise<void> {
  iterator.seek(behind)
  await iterator.nextv(1)
}
