import { expect, it } from 'vitest'
import { pageReads, readPage } from '../../../src/storage/metadata/level-pages.ts'

type Pair = [key: Buffer, stored: Buffer]
const keyOf = (row: number): Buffer => Buffer.from(String(row).padStart(6, '0'))

/** As classic-level's: what it read last it holds until it reads again, however long the collector lets it live. */
function iteratorOf(count: number) {
  const rows = Array.from({ length: count }, (_, row): Pair => [keyOf(row), Buffer.from('value')])
  let at = 0
  let held = 0
  let ended = false
  let closed = false
  const read = async (size: number): Promise<Pair[]> => {
    if (ended) return []
    const some = rows.slice(at, at + size)
    at += some.length
    ended = some.length < size
    held = some.length
    return some
  }
  return {
    nextv: read,
    _nextv: read,
    seek: (key: Buffer) => {
      at = rows.findIndex(([found]) => found.compare(key) >= 0)
      ended = false
    },
    close: async () => {
      closed = true
    },
    held: () => held,
    closed: () => closed,
  }
}

it.each([0, 1, 16, 17, 1000, 5000])('of %d rows an iterator holds few when its page was read', async (count) => {
  const iterator = iteratorOf(count)
  const page = await readPage(iterator, keyOf(0), 5000, pageReads())
  expect(page.map(([key]) => key.toString())).toEqual(Array.from({ length: count }, (_, row) => keyOf(row).toString()))
  expect(iterator.closed()).toBe(true)
  expect(iterator.held()).toBeLessThanOrEqual(16)
})

it('the iterator of a page that cannot be read is closed', async () => {
  const iterator = iteratorOf(100)
  const failing = { ...iterator, _nextv: () => Promise.reject(new Error('IO error')) }
  await expect(readPage(failing, keyOf(0), 5000, pageReads())).rejects.toThrow('IO error')
  expect(iterator.closed()).toBe(true)
})
