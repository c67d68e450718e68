import { describe, expect, it } from 'vitest'
import { type Message, openOutbox } from '../../../src/objects/outbox/outbox.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'

interface Sent extends Message {
  readonly key: string
  readonly n: number
}

const SPACE = 18
const all = { gte: Buffer.alloc(0), lt: Buffer.alloc(64, 255), limit: 100 }
const PATIENCE = { timeout: 20_000 }

function outboxWith(deliver: (sent: Sent, signal: AbortSignal) => Promise<void>) {
  const metadata = memoryStore()
  const failures: unknown[] = []
  let order = 0
  const outbox = openOutbox<Sent>({
    ...{ metadata, deliver, space: SPACE, targets: ['there'], retryMs: 1 },
    clock: { now: () => 1_700_000_000_000 },
    subject: ({ key, n }) => ({ bucket: 'bucket', key, id: String(n) }),
    words: { target: 'the target', message: 'a message', messages: 'messages' },
    onError: (error) => void failures.push(error),
  })
  const send = async (key: string, n: number) => {
    const message = { target: 'there', timeMs: 1_700_000_000_000, key, n }
    await metadata.commit([outbox.write(message, (order++).toString(16).padStart(16, '0'))])
    outbox.wake()
  }
  return { outbox, send, failures, left: async () => (await metadata.range(SPACE, all)).length }
}

describe('A delivery that takes long', () => {
  it.each(['taken', 'refused'] as const)(
    'keeps only what is about the same object waiting, until it is %s',
    async (end) => {
      const took: string[] = []
      const long = Promise.withResolvers<void>()
      let tries = 0
      const { outbox, send, left } = outboxWith(async ({ key, n }) => {
        if (key === 'long' && n === 1 && tries++ === 0) await long.promise
        took.push(`${key} ${n}`)
      })
      outbox.start()
      await send('long', 1)
      for (let n = 2; n < 5; n++) await send('long', n)
      for (let n = 1; n < 20; n++) await send(`other ${n}`, n)
      await expect.poll(() => took.length, PATIENCE).toBe(19)
      await send('late', 1)
      await expect.poll(() => took.at(-1), PATIENCE).toBe('late 1')
      expect(took.filter((one) => one.startsWith('long'))).toEqual([])
      if (end === 'taken') long.resolve()
      else long.reject(new Error('not this time'))
      await expect.poll(left, PATIENCE).toBe(0)
      expect(took.filter((one) => one.startsWith('long'))).toEqual(['long 1', 'long 2', 'long 3', 'long 4'])
      await outbox.close()
    },
  )

  it('is told that nobody waits any more, and is begun again by the next run', async () => {
    const begun: string[] = []
    const { outbox, send, left } = outboxWith(async ({ key }, signal) => {
      begun.push(key)
      const { promise, reject } = Promise.withResolvers<void>()
      signal.addEventListener('abort', () => reject(new Error('stopped')))
      await promise
    })
    outbox.start()
    // As many as are delivered at a time, and more.
    for (let n = 1; n < 20; n++) await send(`long ${n}`, n)
    await expect.poll(() => begun.length, PATIENCE).toBe(8)
    await outbox.close()
    expect(await left()).toBe(19)
  })
})
