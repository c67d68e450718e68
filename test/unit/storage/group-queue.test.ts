import { describe, expect, it } from 'vitest'
import { groupQueue } from '../../../src/storage/group-queue.ts'

describe('group queue', () => {
  it('cuts groups by count and by weight, in order', async () => {
    const groups: number[][] = []
    const queue = groupQueue<number, void>({
      maxJobs: 3,
      maxWeight: 10,
      flush: async (group) => {
        groups.push(group.map(({ job }) => job))
        for (const { resolve } of group) resolve()
      },
    })
    await Promise.all([1, 1, 1, 1, 9, 25, 5, 5, 1].map((weight) => queue.submit(weight, weight)))
    expect(groups).toEqual([[1, 1, 1], [1, 9], [25], [5, 5], [1]])
  })

  it('a flush that throws rejects only what it left unsettled, and the queue goes on', async () => {
    let first = true
    const queue = groupQueue<string, string>({
      flush: async (group) => {
        group[0]?.resolve('settled')
        if (first) {
          first = false
          throw new Error('broken')
        }
        for (const { resolve } of group) resolve('later')
      },
    })
    const outcomes = await Promise.allSettled([queue.submit('a'), queue.submit('b')])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(await Promise.all([queue.submit('c'), queue.submit('d')])).toEqual(['settled', 'later'])
    await queue.idle()
  })
})
