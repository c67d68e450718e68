import { describe, expect, it } from 'vitest'
import type { RowChange } from '../../../src/storage/metadata/commit-group.ts'
import { groupCommitter } from '../../../src/storage/metadata/group-committer.ts'
import type { Write } from '../../../src/storage/metadata/metadata-store.ts'
import { testMark } from '../../support/log-mark.ts'

const put = (key: string, condition?: string | null): Write => ({
  type: 'put',
  space: 1,
  key: Buffer.from(key),
  value: Buffer.from(key),
  ...(condition === undefined ? {} : { if: condition }),
})

function committerOver(write: (changes: readonly RowChange[]) => Promise<void>) {
  const rows = new Map<string, Buffer>()
  const failures: Error[] = []
  const groups: number[] = []
  const written: number[] = []
  const committer = groupCommitter({
    read: (key) => rows.get(key.toString('latin1')),
    write: async (changes) => {
      groups.push(changes.length)
      await write(changes)
      for (const { key, value } of changes) {
        if (value) rows.set(key.toString('latin1'), value)
        else rows.delete(key.toString('latin1'))
      }
    },
    mark: testMark,
    sequence: 0,
    onWritten: (sequence) => written.push(sequence),
    onFailure: (error) => failures.push(error),
  })
  return { ...committer, rows, failures, groups, written }
}

describe('group committer', () => {
  it('writes all that queued meanwhile in one group', async () => {
    const { commit, groups } = committerOver(async () => {})
    await Promise.all(Array.from({ length: 100 }, (_, n) => commit([put(`k${n}`)])))
    expect(groups).toEqual([101])
  })

  it('writes nothing when no commit of a group holds', async () => {
    const { commit, groups } = committerOver(async () => {})
    expect(await Promise.all([commit([put('a', 'token')]), commit([put('b', 'token')])])).toEqual([false, false])
    expect(groups).toEqual([])
  })

  it('after a write error refuses this group and every later commit, and says so once', async () => {
    let broken = false
    const { commit, failures, groups } = committerOver(async () => {
      if (broken) throw new Error('ENOSPC')
    })
    expect(await commit([put('a')])).toBe(true)
    broken = true
    const failed = await Promise.allSettled([commit([put('b')]), commit([put('c')])])
    broken = false
    const later = await Promise.allSettled([commit([put('d')]), commit([put('e')])])
    for (const outcome of [...failed, ...later]) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'MetadataStoreFailed' } })
    }
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatchObject({ code: 'MetadataStoreFailed', cause: { message: 'ENOSPC' } })
    expect(groups).toHaveLength(2)
  })

  it('says how far it is durable after each write that succeeded, and nothing of one that failed', async () => {
    const outcomes: ((error?: Error) => void)[] = []
    const { commit, written } = committerOver(
      () => new Promise((resolve, reject) => outcomes.push((error) => (error ? reject(error) : resolve()))),
    )
    const both = Promise.all([commit([put('a')]), commit([put('b')])])
    await expect.poll(() => outcomes.length).toBe(1)
    expect(written).toEqual([])
    outcomes[0]?.()
    await both
    expect(written).toEqual([2])
    const failed = commit([put('c')])
    await expect.poll(() => outcomes.length).toBe(2)
    outcomes[1]?.(new Error('EIO'))
    await expect(failed).rejects.toMatchObject({ code: 'MetadataStoreFailed' })
    expect(written).toEqual([2])
  })

  it('refuses commits that were queued behind the group that failed', async () => {
    let fail = (_: Error): void => {}
    const { commit, failures } = committerOver(
      () =>
        new Promise((_, reject) => {
          fail = reject
        }),
    )
    const first = commit([put('a')])
    await new Promise((resolve) => setTimeout(resolve, 5))
    const second = commit([put('b')])
    fail(new Error('EIO'))
    await expect(first).rejects.toMatchObject({ code: 'MetadataStoreFailed' })
    await expect(second).rejects.toMatchObject({ code: 'MetadataStoreFailed' })
    expect(failures).toHaveLength(1)
  })

  it('a commit that meets a damaged row fails alone and changes nothing', async () => {
    const { commit, rows, failures } = committerOver(async () => {})
    rows.set('\u0001damaged', Buffer.of(1))
    const outcomes = await Promise.allSettled([
      commit([put('a')]),
      commit([put('x'), put('damaged', null), put('y', '1')]),
      commit([put('damaged', '1')]),
      commit([put('b')]),
    ])
    expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.code))).toEqual([
      true,
      false,
      'MetadataCorrupt',
      true,
    ])
    expect([...rows.keys()].filter((key) => key.startsWith('\u0001')).sort()).toEqual([
      '\u0001a',
      '\u0001b',
      '\u0001damaged',
    ])
    expect(failures).toEqual([])
  })
})
