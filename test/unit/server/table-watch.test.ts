import { expect, it, vi } from 'vitest'
import type { Finding } from '../../../src/objects/verify/finding.ts'
import { watchTables } from '../../../src/server/table-watch.ts'

it('Tables of a process without objects are read now and then, and what is damaged is told once and stays a problem', async () => {
  const found: Finding[] = []
  const errors: unknown[] = []
  let state: 'whole' | 'damaged' | 'unreadable' = 'whole'
  let looks = 0
  const store = {
    tableFaults: async function* () {
      looks++
      if (state === 'unreadable') throw new Error('no descriptors')
      if (state === 'damaged') yield { file: '000005.ldb', offset: 7, damage: 'is damaged' }
    },
  }
  await using watch = watchTables({
    ...{ stores: new Map([['kms', store]]), intervalMs: 5, mibPerSecond: 0 },
    onFinding: (finding) => void found.push(finding),
    onError: (error) => void errors.push(error),
  })
  await vi.waitFor(() => expect(looks).toBeGreaterThan(1))
  expect(watch.problems()).toEqual([])
  state = 'damaged'
  await vi.waitFor(() => expect(watch.problems()).toEqual(['damaged tables of metadata stores: kms/000005.ldb']))
  const seen = looks
  await vi.waitFor(() => expect(looks).toBeGreaterThan(seen + 1))
  expect(found).toMatchObject([{ kind: 'table-damaged', file: 'kms/000005.ldb', offset: 7 }])
  state = 'unreadable'
  await vi.waitFor(() => expect(errors).not.toEqual([]))
  expect(watch.problems()).toHaveLength(1)
})
