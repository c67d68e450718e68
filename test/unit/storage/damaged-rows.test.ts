import fc from 'fast-check'
import { expect, it } from 'vitest'
import { groupsWithDamaged, rangeWithDamaged } from '../../../src/storage/metadata/damaged-rows.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { sealedStore } from '../../../src/storage/metadata/sealed-store.ts'
import { testCipher } from './test-cipher.ts'

const lt = Buffer.alloc(9, 0xff)
const name = fc.stringMatching(/^[ab/]{1,4}$/)

async function storeWith(names: readonly string[], damaged: ReadonlySet<string>) {
  const inner = memoryStore()
  const sealed = sealedStore(inner, testCipher)
  for (const key of names.map((each) => Buffer.from(each))) {
    await sealed.commit([{ type: 'put', space: 2, key, value: key }])
    if (!damaged.has(key.toString())) continue
    await inner.commit([{ type: 'put', space: 2, key, value: Buffer.from('no seal') }])
  }
  return { sealed, whole: inner }
}

it('a page has each damaged row in its place, and is otherwise what an undamaged store gives', () =>
  fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(name, fc.boolean()), { selector: ([each]) => each }),
      fc.integer({ min: 1, max: 8 }),
      name,
      async (rows, limit, first) => {
        const damaged = new Set(rows.filter(([, bad]) => bad).map(([each]) => each))
        const { sealed, whole } = await storeWith(
          rows.map(([each]) => each),
          damaged,
        )
        const range = { gte: Buffer.from(first), lt, limit }
        const page = await rangeWithDamaged(sealed, 2, range)
        expect(page.map(({ key }) => key)).toEqual((await whole.range(2, range)).map(({ key }) => key))
        for (const row of page) expect('damage' in row).toBe(damaged.has(row.key.toString()))

        const grouping = { prefix: Buffer.alloc(0), from: Buffer.from(first), lt, delimiter: Buffer.from('/'), limit }
        const groups = await groupsWithDamaged(sealed, 2, grouping)
        const plain = await whole.groups(2, grouping)
        const nameOf = (group: (typeof groups)[number]) =>
          'prefix' in group ? `${group.prefix} …` : `${'damage' in group ? group.key : group.entry.key}`
        expect(groups.map(nameOf)).toEqual(plain.map(nameOf))
      },
    ),
  ))
