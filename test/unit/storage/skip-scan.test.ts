import { describe, expect, it } from 'vitest'
import type { Group } from '../../../src/storage/metadata/metadata-store.ts'
import { skipScan } from '../../../src/storage/metadata/skip-scan.ts'

const STORED = Buffer.alloc(6)

/** Rows that count how many of them are read, in how many steps. */
function countedRows(keys: readonly string[]) {
  const sorted = keys.map((key) => Buffer.from(key)).sort(Buffer.compare)
  let at = 0
  const cost = { rows: 0, steps: 0 }
  return {
    cost,
    next: async (count: number) => {
      const page = sorted.slice(at, at + count)
      at += page.length
      cost.rows += page.length
      cost.steps++
      return page.map((key) => [key, STORED] as const)
    },
    seek: (key: Buffer) => {
      const found = sorted.findIndex((each) => Buffer.compare(each, key) >= 0)
      at = found < 0 ? sorted.length : found
    },
  }
}

const all = (limit: number) => ({
  prefix: Buffer.alloc(0),
  from: Buffer.alloc(0),
  lt: Buffer.of(0xff),
  delimiter: Buffer.from('/'),
  limit,
})
const texts = (groups: readonly Group[]): string[] =>
  groups.map((group) => ('prefix' in group ? `${group.prefix}` : `${group.entry.key}`))

describe('skip scan', () => {
  it('costs what the page holds, not what the groups hold', async () => {
    const keys = Array.from({ length: 20 }, (_, group) =>
      Array.from({ length: 500 }, (_, n) => `g${String(group).padStart(2, '0')}/${n}`),
    ).flat()
    const rows = countedRows(keys)
    expect(texts(await skipScan(rows, all(1000)))).toEqual(
      Array.from({ length: 20 }, (_, group) => `g${String(group).padStart(2, '0')}/`),
    )
    expect(rows.cost.rows).toBeLessThan(64 + 20 * 3)
    expect(rows.cost.steps).toBeLessThanOrEqual(22)
  })

  it('reads keys without groups in few large steps', async () => {
    const rows = countedRows(Array.from({ length: 5000 }, (_, n) => `k${String(n).padStart(4, '0')}`))
    expect(await skipScan(rows, all(1000))).toHaveLength(1000)
    expect(rows.cost.steps).toBeLessThanOrEqual(6)
  })
})
