import { setImmediate as turn } from 'node:timers/promises'
import { MessageChannel } from 'node:worker_threads'
import { expect, it, onTestFinished } from 'vitest'
import { decideCommits, forwardedCommits } from '../../../src/server/threads/forwarded-commits.ts'
import { type Handlers, openLine } from '../../../src/server/threads/line.ts'
import type { OwnerCalls } from '../../../src/server/threads/messages.ts'
import type { Write } from '../../../src/storage/metadata/metadata-store.ts'

const put = (key: string): readonly Write[] => [
  { type: 'put', space: 1, key: Buffer.from(key), value: Buffer.from(key), if: null },
]

function twoThreads() {
  const { port1, port2 } = new MessageChannel()
  onTestFinished(() => port1.close())
  const messages: string[][] = []
  const handlers = {
    commit: ({ bytes }: OwnerCalls['commit']['asked']) => {
      const keys: string[] = []
      messages.push(keys)
      return decideCommits(
        bytes,
        async ([write]) => {
          const key = write?.key.toString() ?? ''
          keys.push(key)
          if (key === 'broken') throw new Error('no disk')
          return key !== 'taken'
        },
        () => {},
      )
    },
  }
  openLine(port2, handlers as never, () => {})
  const line = openLine<object, OwnerCalls>(port1, {} as Handlers<object>, () => {})
  return { line, messages, commit: forwardedCommits('metadata', line) }
}

it('sends the commits of one turn in one message, and gives each its own outcome', async () => {
  const { commit, messages } = twoThreads()
  const first = commit(put('new'))
  await Promise.resolve()
  const outcomes = await Promise.allSettled([first, commit(put('taken')), commit(put('broken')), commit(put('other'))])
  expect(outcomes.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
    true,
    false,
    'Error: no disk',
    true,
  ])
  expect(messages).toEqual([['new', 'taken', 'broken', 'other']])
  await expect(commit(put('later'))).resolves.toBe(true)
  expect(messages).toHaveLength(2)
})

it('leaves nobody waiting when the other thread ends before the message goes out', async () => {
  const { line, commit } = twoThreads()
  const outcomes = Promise.allSettled([commit(put('first')), commit(put('second'))])
  line.end(new Error('it has ended'))
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await turn()
  await expect(commit(put('after'))).rejects.toThrow('it has ended')
})

it('refuses what cannot be put together, and goes on with the rest of the message', async () => {
  const { line, commit } = twoThreads()
  const broken = line.askLast('commit', () => {
    throw new RangeError('too long')
  })
  const [refused, committed] = await Promise.allSettled([broken, commit(put('new'))])
  expect(refused).toMatchObject({ status: 'rejected', reason: { message: 'too long' } })
  expect(committed).toEqual({ status: 'fulfilled', value: true })
})
