import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { garbageKey } from '../../../src/objects/keyspace.ts'
import { latestOf } from '../../../src/objects/outbox/latest.ts'
import { MessageRefused } from '../../../src/objects/outbox/options.ts'
import { encode } from '../../../src/objects/record-codec.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { NOW_MS, outboxWith, type Sent, SPACE } from '../../support/test-outbox.ts'

const HOUR_MS = 3_600_000
const PATIENCE = { timeout: 20_000 }

describe('A delivery that takes long', () => {
  it.each(['taken', 'refused'] as const)(
    'keeps only what is about the same object waiting, until it is %s',
    async (end) => {
      const took: string[] = []
      const long = Promise.withResolvers<void>()
      let tries = 0
      const deliver = async ({ key, n }: Sent) => {
        if (key === 'long' && n === 1 && tries++ === 0) await long.promise
        took.push(`${key} ${n}`)
      }
      const { outbox, send, rows } = outboxWith({ deliver })
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
      await expect.poll(rows, PATIENCE).toBe(0)
      expect(took.filter((one) => one.startsWith('long'))).toEqual(['long 1', 'long 2', 'long 3', 'long 4'])
      await outbox.close()
    },
  )

  const untilStopped = async (signal: AbortSignal) => {
    const { promise, reject } = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => reject(new Error('stopped')))
    await promise
  }

  it('is told that nobody waits any more, and is begun again by the next run', async () => {
    const begun: string[] = []
    const deliver = async ({ key }: Sent, signal: AbortSignal) => {
      begun.push(key)
      await untilStopped(signal)
    }
    const { outbox, send, left } = outboxWith({ deliver })
    outbox.start()
    // As many as are delivered at a time, and more.
    for (let n = 1; n < 20; n++) await send(`long ${n}`, n)
    await expect.poll(() => begun.length, PATIENCE).toBe(8)
    await outbox.close()
    expect(await left()).toBe(19)
  })

  it('keeps no other bucket waiting, however many there are of them', async () => {
    const took: string[] = []
    const deliver = async ({ bucket, key }: Sent, signal: AbortSignal) => {
      if (bucket !== 'good') await untilStopped(signal)
      took.push(key)
    }
    const { outbox, store } = outboxWith({ deliver })
    for (let n = 0; n < 200; n++) await store(`long ${n}`, n, { bucket: `bad ${n % 10}` })
    for (let n = 0; n < 100; n++) await store(`key ${n}`, n, { bucket: 'good' })
    outbox.start()
    await expect.poll(() => took.length, PATIENCE).toBe(100)
    await outbox.close()
  })

  it('still comes before what was held behind it, in the next run', async () => {
    const first = outboxWith({ deliver: (_, signal) => untilStopped(signal) })
    first.outbox.start()
    for (let n = 1; n < 4; n++) await first.send('key', n)
    // Something is held by then.
    await expect.poll(first.rows, PATIENCE).toBe(4)
    await first.outbox.close()
    const took: number[] = []
    const second = outboxWith({ deliver: async ({ n }) => void took.push(n), metadata: first.metadata })
    second.outbox.start()
    await expect.poll(second.rows, PATIENCE).toBe(0)
    expect(took).toEqual([1, 2, 3])
    await second.outbox.close()
  })
})

describe('A message that is refused', () => {
  const MANY = 300
  const refuse = (): Promise<void> => Promise.reject(new MessageRefused(new Error('not this one')))

  it('does not say that the target is away: what is new goes at once, of the same bucket, too', async () => {
    const took: string[] = []
    const deliver = async ({ key }: Sent) => {
      if (key.startsWith('refused')) await refuse()
      took.push(key)
    }
    const { outbox, store, left } = outboxWith({ deliver, retryMs: HOUR_MS })
    for (let n = 0; n < MANY; n++) await store(`refused ${n}`, n)
    await store('key', 1)
    outbox.start()
    await expect.poll(() => took, PATIENCE).toEqual(['key'])
    expect(await left()).toBe(MANY)
    await outbox.close()
  })

  it('goes as soon as it is taken, whatever became of as many others, and in its order', async () => {
    const took: string[] = []
    const refused = new Set(Array.from({ length: MANY }, (_, n) => `key ${n}`))
    const tried = new Set<string>()
    const deliver = async ({ key, n }: Sent) => {
      tried.add(key)
      if (refused.has(key)) await refuse()
      took.push(`${key} ${n}`)
    }
    const { outbox, store, left } = outboxWith({ deliver, retryMs: 1 })
    for (let n = 0; n < MANY; n++) await store(`key ${n}`, 1)
    for (let n = 0; n < MANY; n++) await store(`key ${n}`, 2)
    outbox.start()
    await expect.poll(() => tried.size, PATIENCE).toBe(MANY)
    refused.delete('key 200')
    await expect.poll(() => took, PATIENCE).toEqual(['key 200 1', 'key 200 2'])
    expect(await left()).toBe(2 * (MANY - 1))
    await outbox.close()
  })

  it('is waited for by nothing if it may come late', async () => {
    const took: number[] = []
    let refuses = true
    const deliver = async ({ n, late }: Sent) => {
      if (late && refuses) await refuse()
      took.push(n)
    }
    const { outbox, send, store, rows, failures } = outboxWith({ deliver })
    for (const n of [1, 2, 3]) await store('key', n, { late: n === 2 })
    outbox.start()
    await expect.poll(() => took, PATIENCE).toEqual([1, 3])
    await send('key', 4)
    await expect.poll(() => took, PATIENCE).toEqual([1, 3, 4])
    expect(failures.map((error) => error instanceof Error && error.cause)).toContainEqual(new Error('not this one'))
    refuses = false
    await expect.poll(rows, PATIENCE).toBe(0)
    expect(took).toEqual([1, 3, 4, 2])
    await outbox.close()
  })
})

describe('A target that is away', () => {
  it('for one bucket is asked by it only now and then, and takes what is of others', async () => {
    const took: string[] = []
    let tries = 0
    const deliver = async ({ bucket, key }: Sent) => {
      if (bucket === 'away') {
        tries++
        throw new Error('away')
      }
      took.push(key)
    }
    const { outbox, store, send, left } = outboxWith({ deliver, retryMs: HOUR_MS })
    for (let n = 0; n < 200; n++) await store(`key ${n}`, n, { bucket: 'away' })
    outbox.start()
    await expect.poll(() => tries, PATIENCE).toBeGreaterThan(64)
    for (let n = 0; n < 10; n++) {
      await send(`key ${n}`, n, { bucket: 'other' })
      await expect.poll(() => took.length, PATIENCE).toBe(n + 1)
    }
    expect(tries).toBeLessThan(100)
    expect(await left()).toBe(200)
    await outbox.close()
  })
})

describe('A look for buckets that was held up', () => {
  it('does not keep what comes next waiting ten times as long', async () => {
    const metadata = memoryStore()
    let looks = 0
    const slow: typeof metadata = {
      ...metadata,
      groups: async (...of) => {
        // As on a machine that does something else for a while.
        if (looks++ === 3) await new Promise((resolve) => setTimeout(resolve, 2500))
        return metadata.groups(...of)
      },
    }
    const took: string[] = []
    const { outbox, send } = outboxWith({ deliver: async ({ key }) => void took.push(key), metadata: slow })
    outbox.start()
    for (let n = 0; n < 4; n++) {
      await send(`key ${n}`, n)
      await expect.poll(() => took.length, PATIENCE).toBe(n + 1)
    }
    expect(looks).toBeGreaterThan(4)
    await outbox.close()
  }, 60_000)
})

describe('What an earlier release stored', () => {
  it('goes in its order, before what came later', async () => {
    const metadata = memoryStore()
    const took: string[] = []
    const deliver = async ({ key, n }: Sent) => void took.push(`${key} ${n}`)
    const { outbox, store, rows } = outboxWith({ deliver, metadata })
    for (let n = 0; n < 250; n++) {
      const key = Buffer.concat([Buffer.from('there\0'), garbageKey(NOW_MS - 1000 + n, Buffer.alloc(16, n))])
      const message = { target: 'there', timeMs: NOW_MS, bucket: 'bucket', key: 'key', n }
      await metadata.commit([{ type: 'put', space: SPACE, key, value: encode(message) }])
    }
    await store('key', 250)
    outbox.start()
    await expect.poll(rows, PATIENCE).toBe(0)
    expect(took).toEqual(Array.from({ length: 251 }, (_, n) => `key ${n}`))
    await outbox.close()
  })
})

describe('An outbox', () => {
  it('delivers all in the order of each object, whatever is refused and whenever it is stopped', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.record({ bucket: fc.nat(2), key: fc.nat(3) }), { minLength: 1, maxLength: 40 }),
      fc.infiniteStream(fc.constantFrom('taken', 'taken', 'refused', 'away', 'later')),
      fc.nat(3),
      async (messages, outcomes, restarts) => {
        const took: Sent[] = []
        const deliver = async (sent: Sent) => {
          const outcome = outcomes.next().value
          if (outcome === 'refused') throw new MessageRefused(new Error('refused'))
          if (outcome === 'away') throw new Error('away')
          if (outcome === 'later') await new Promise((resolve) => setTimeout(resolve, 1))
          took.push(sent)
        }
        const metadata = memoryStore()
        for (let run = 0; run <= restarts; run++) {
          const { outbox, send, rows } = outboxWith({ deliver, metadata })
          outbox.start()
          const from = Math.floor((messages.length * run) / (restarts + 1))
          const to = Math.floor((messages.length * (run + 1)) / (restarts + 1))
          for (const [index, { bucket, key }] of messages.slice(from, to).entries()) {
            await send(`key ${key}`, from + index, { bucket: `bucket ${bucket}` })
          }
          if (run === restarts) await expect.poll(rows, PATIENCE).toBe(0)
          await outbox.close()
        }
        expect(took.map(({ n }) => n).sort((a, b) => a - b)).toEqual(messages.map((_, n) => n))
        const last = new Map<string, number>()
        for (const { bucket, key, n } of took) {
          expect(n).toBeGreaterThan(last.get(`${bucket}/${key}`) ?? -1)
          last.set(`${bucket}/${key}`, n)
        }
      },
    )
    await fc.assert(property, { numRuns: 40 })
  }, 60_000)
})

describe('A clock that is set back', () => {
  it('turns no two messages of one object round', async () => {
    const took: number[] = []
    let isAway = true
    const deliver = async ({ n }: Sent) => {
      if (isAway) throw new Error('away')
      took.push(n)
    }
    const { outbox, send, failures } = outboxWith({ deliver, retryMs: 10 })
    outbox.start()
    await send('key', 1)
    await expect.poll(() => failures.length, PATIENCE).toBeGreaterThan(0)
    await send('key', 2, { timeMs: NOW_MS - 1000 })
    await send('key', 3, { timeMs: NOW_MS - 2000 })
    isAway = false
    await expect.poll(() => took, PATIENCE).toEqual([1, 2, 3])
    await outbox.close()
  })

  it.each(['ready', 'held'] as const)('while nobody ran neither, where the first one is %s', async (kind) => {
    const earlier = outboxWith({
      deliver: async () => {
        throw new Error('away')
      },
      retryMs: 10,
    })
    if (kind === 'held') earlier.outbox.start()
    await earlier.send('key', 1)
    if (kind === 'held') await expect.poll(() => earlier.failures.length, PATIENCE).toBeGreaterThan(0)
    await earlier.outbox.close()

    const took: number[] = []
    const { metadata } = earlier
    const { outbox, store, rows } = outboxWith({
      ...{ metadata, latestMs: await latestOf(metadata, SPACE, ['elsewhere', 'there']) },
      deliver: async ({ n }) => void took.push(n),
    })
    await store('key', 2, { timeMs: NOW_MS - 1000 })
    outbox.start()
    await expect.poll(rows, PATIENCE).toBe(0)
    expect(took).toEqual([1, 2])
    await outbox.close()
  })

  it('is not followed by what a row that somebody made up says', async () => {
    const metadata = memoryStore()
    const key = Buffer.concat([Buffer.from('there\0\x01lane\0'), Buffer.alloc(24, 0xff)])
    await metadata.commit([{ type: 'put', space: SPACE, key, value: Buffer.from('made up') }])
    expect(await latestOf(metadata, SPACE, ['there'])).toBe(0)
  })
})
