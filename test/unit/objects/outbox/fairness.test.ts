import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MessageRefused } from '../../../../src/objects/outbox/options.ts'
import { dueRow, heldRow, holdOf, laneOf, readyRow, stamp } from '../../../../src/objects/outbox/rows.ts'
import { encode } from '../../../../src/objects/record-codec.ts'
import { memoryStore } from '../../../../src/storage/metadata/memory-store.ts'
import { NOW_MS, outboxWith, type Sent, SPACE } from '../../../support/test-outbox.ts'

const YEAR_MS = 365 * 86_400_000
const PATIENCE = { timeout: 20_000 }
type End = 'taken' | 'refused' | 'missed'

/** Deliveries that end when, and as, they are told to. */
function slowTarget() {
  const open: { readonly sent: Sent; readonly end: (as: End) => void }[] = []
  const begun: string[] = []
  const deliver = async (sent: Sent): Promise<void> => {
    begun.push(`${sent.key} ${sent.n}`)
    const { promise, resolve } = Promise.withResolvers<End>()
    open.push({ sent, end: resolve })
    const as = await promise
    if (as === 'refused') throw new MessageRefused(new Error('refused'))
    if (as === 'missed') throw new Error('missed')
  }
  return { open, begun, deliver }
}
const soon = () => new Promise((resolve) => setTimeout(resolve, 4))

describe('Where every delivery takes long', () => {
  it('what is held and due is tried within a bounded number of deliveries, whatever becomes of the others', async () => {
    const property = fc.asyncProperty(
      fc.infiniteStream(fc.constantFrom<End>('taken', 'taken', 'taken', 'refused', 'missed')),
      fc.nat(20),
      async (ends, since) => {
        const { open, begun, deliver } = slowTarget()
        const { outbox, store } = outboxWith({ deliver })
        for (let n = 0; n < since; n++) await store(`other ${n}`, n)
        for (const n of [since, since + 1]) await store('watched', n)
        for (let n = since + 2; n < 100; n++) await store(`other ${n}`, n)
        outbox.start()
        const tries = () => begun.filter((one) => one.startsWith('watched')).length
        let ended = 0
        /** When it was due, in deliveries that had ended. */
        let due = 0
        const waits: number[] = []
        for (let known = 0; known < 3; ) {
          await soon()
          if (tries() > known) {
            waits.push(ended - due)
            known++
          }
          const first = open.shift()
          if (!first) continue
          const isWatched = first.sent.key === 'watched'
          first.end(isWatched ? (known === 1 ? 'missed' : 'taken') : (ends.next().value ?? 'taken'))
          ended++
          if (isWatched) due = ended
        }
        const closed = outbox.close()
        for (const { end } of open) end('taken')
        await closed
        const [, again = Number.POSITIVE_INFINITY, next = Number.POSITIVE_INFINITY] = waits
        // Others that are held, at most, were there before, and go four at a time beside the eight that are new.
        expect(again).toBeLessThan(40)
        expect(next).toBeLessThan(40)
        expect(begun.filter((one) => one.startsWith('watched')).map((one) => Number(one.split(' ')[1]))).toEqual([
          since,
          since,
          since + 1,
        ])
      },
    )
    await fc.assert(property, { numRuns: 5 })
  }, 60_000)
})

it('What waits for its object, and what was not taken once, comes before a backlog of what takes seconds', async () => {
  const took: string[] = []
  const tried = new Set<string>()
  const deliver = async ({ key, n }: Sent) => {
    const isFirst = !tried.has(key)
    tried.add(key)
    if (key === 'once' && isFirst) throw new Error('not this time')
    await new Promise((resolve) => setTimeout(resolve, 2200))
    took.push(`${key} ${n}`)
  }
  const { outbox, store } = outboxWith({ deliver })
  for (const [key, n] of [
    ['same', 1],
    ['once', 2],
    ['same', 3],
  ] as const)
    await store(key, n)
  for (let n = 4; n < 36; n++) await store(`big ${n}`, n)
  outbox.start()
  await expect.poll(() => took.length, PATIENCE).toBe(35)
  expect(took.indexOf('once 2')).toBeLessThan(20)
  expect(took.indexOf('same 3')).toBeLessThan(20)
  await outbox.close()
}, 60_000)

it('A hundred buckets that hang keep none waiting that is well', async () => {
  const took: string[] = []
  const deliver = async ({ bucket, key }: Sent, signal: AbortSignal) => {
    if (bucket !== 'well')
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('gone'))))
    took.push(key)
  }
  const { outbox, store, send } = outboxWith({ deliver })
  for (let n = 0; n < 100; n++) await store('key', n, { bucket: `hangs ${n}` })
  outbox.start()
  for (let n = 0; n < 5; n++) {
    await send(`key ${n}`, 1000 + n, { bucket: 'well' })
    await expect.poll(() => took.length, PATIENCE).toBe(n + 1)
  }
  await outbox.close()
})

it('What was not taken once is tried beside hundreds that are refused again and again', async () => {
  const tries: string[] = []
  const took: string[] = []
  const deliver = async ({ key }: Sent) => {
    tries.push(key)
    if (key.startsWith('refused')) throw new MessageRefused(new Error('refused'))
    if (tries.filter((one) => one === key).length === 1) throw new Error('not this time')
    took.push(key)
  }
  const { outbox, store, send } = outboxWith({ deliver })
  for (let n = 0; n < 600; n++) await store(`refused ${n}`, n)
  outbox.start()
  await expect.poll(() => tries.length, PATIENCE).toBeGreaterThan(1200)
  const before = tries.length
  await send('once', 1000)
  await expect.poll(() => took, PATIENCE).toEqual(['once'])
  expect(tries.length - before).toBeLessThan(300)
  await outbox.close()
})

it('What is due far ahead, by a clock that was wrong, is tried whatever else is held', async () => {
  const metadata = memoryStore()
  const first = outboxWith({ deliver: () => Promise.reject(new Error('away')), metadata, retryMs: YEAR_MS })
  first.outbox.start()
  await first.send('waits', 1)
  await expect.poll(first.rows, PATIENCE).toBe(2)
  await first.outbox.close()
  const about = { bucket: 'bucket', key: 'far', id: '0' }
  const of = stamp(NOW_MS, Buffer.alloc(8), Buffer.alloc(8))
  const value = encode({ target: 'there', timeMs: NOW_MS, bucket: 'bucket', key: 'far', n: 0 })
  const due = dueRow('there', 'due', laneOf(about), NOW_MS + YEAR_MS, holdOf(about))
  await metadata.commit([
    { type: 'put', space: SPACE, key: heldRow('there', laneOf(about), holdOf(about), of), value },
    { type: 'put', space: SPACE, key: due, value: encode({ refusals: 1 }) },
  ])
  const took: string[] = []
  const { outbox } = outboxWith({ deliver: async ({ key }) => void took.push(key), metadata })
  outbox.start()
  await expect.poll(() => took, PATIENCE).toEqual(['far'])
  await outbox.close()
})

it('What cannot be read, of whatever release, is dropped, told of, and in the way of nothing', async () => {
  const metadata = memoryStore()
  const about = { bucket: 'bucket', key: 'key', id: '0' }
  const of = stamp(NOW_MS, Buffer.alloc(8), Buffer.alloc(8))
  const old = Buffer.concat([Buffer.from('there\0'), of])
  for (const key of [old, readyRow('there', laneOf(about), of), heldRow('there', laneOf(about), holdOf(about), of)]) {
    await metadata.commit([{ type: 'put', space: SPACE, key, value: encode({ target: 'there' }) }])
  }
  const took: string[] = []
  const { outbox, send, rows, failures } = outboxWith({ deliver: async ({ key }) => void took.push(key), metadata })
  outbox.start()
  await send('key', 1)
  await expect.poll(() => took, PATIENCE).toEqual(['key'])
  await expect.poll(rows, PATIENCE).toBe(0)
  expect(failures.map(String)).toEqual(Array(3).fill('Error: a message for the target was dropped: it cannot be read'))
  await outbox.close()
})

it('What took seconds, and ends while others are looked for, is not delivered again', async () => {
  const inner = memoryStore()
  const took: string[] = []
  const long = Promise.withResolvers<void>()
  let ends = false
  const range: typeof inner.range = async (...of) => {
    const rows = await inner.range(...of)
    if (ends && rows.length > 1) {
      ends = false
      long.resolve()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return rows
  }
  const deliver = async ({ key }: Sent) => {
    if (key === 'long') await long.promise
    took.push(key)
  }
  const { outbox, store, send, rows } = outboxWith({ deliver, metadata: { ...inner, range } })
  outbox.start()
  await send('long', 1)
  await new Promise((resolve) => setTimeout(resolve, 2200))
  await store('next', 2)
  ends = true
  await send('last', 3)
  await expect.poll(() => took.length, PATIENCE).toBeGreaterThan(2)
  await expect.poll(rows, PATIENCE).toBe(0)
  expect(took.toSorted()).toEqual(['last', 'long', 'next'])
  await outbox.close()
})
