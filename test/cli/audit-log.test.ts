import { expect, it } from 'vitest'
import { newestEntries } from '../../src/cli/audit-log.ts'

/** As the server answers where little fits: of so many lines each, mostly with nothing in it. */
const pages = [
  { entries: [], latest: 90, next: 60 },
  { entries: [{ seq: 59 }], latest: 91, next: 30 },
  { entries: [{ seq: 12 }, { seq: 11 }], latest: 91 },
]

it('looks on where the server says that it may find more, until there is enough', async () => {
  const asked: unknown[] = []
  const control = async (_method: string, _path: string, call?: { readonly query?: object }): Promise<unknown> => {
    asked.push(call?.query)
    return pages[asked.length - 1]
  }
  expect(await newestEntries({ control }, { did: 'store.backup' }, 1)).toEqual({ entries: [{ seq: 59 }], latest: 90 })
  expect(asked).toEqual([
    { did: 'store.backup', before: undefined, limit: 1 },
    { did: 'store.backup', before: 60, limit: 1 },
  ])
  asked.length = 0
  expect((await newestEntries({ control }, {}, 50)).entries).toEqual([{ seq: 59 }, { seq: 12 }, { seq: 11 }])
  expect(asked.at(-1)).toEqual({ before: 30, limit: 49 })
})
