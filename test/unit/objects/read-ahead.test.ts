import { describe, expect, it } from 'vitest'
import type { Encrypting } from '../../../src/objects/encrypting.ts'
import type { BlobStore } from '../../../src/storage/blob/blob-store.ts'
import { contentBytes } from '../../support/content.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'

const SEGMENT = 65_536
const LARGEST_READ = SEGMENT + 16

async function readingEngine(maxReadAheads: number) {
  const asked: number[] = []
  const blobs = (inner: BlobStore): BlobStore => ({
    ...inner,
    get: (id, range) => {
      asked.push(range.end - range.start)
      return inner.get(id, range)
    },
  })
  const engine = await testEngine({ blobs, maxReadAheads })
  const bucket = await engine.makeBucket()
  const put = (key: string, bytes: Buffer, encrypting: Encrypting = {}) =>
    engine.objects.put({ bucket, key, body: bodyOf(bytes), ...plain, encrypting })
  const open = (key: string) => engine.objects.open({ bucket, key })
  return { asked, put, open }
}

async function all(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const copies: Buffer[] = []
  for await (const chunk of chunks) copies.push(Buffer.from(chunk))
  return Buffer.concat(copies)
}

describe('a read that may not read ahead gets the same bytes', () => {
  it('a segment at a time', async () => {
    const { asked, check } = await checkedReads({})
    await check()
    // A part of one segment is read with its header.
    expect(Math.max(...asked)).toBeLessThanOrEqual(LARGEST_READ + 80)
  })

  it('of an object in two layers, whose segments do not lie at the same places', async () => {
    const { check } = await checkedReads({ twice: true })
    await check()
  })
})

async function checkedReads(encrypting: Encrypting) {
  const { asked, put, open } = await readingEngine(0)
  const check = async (): Promise<void> => {
    for (const size of [0, 1, SEGMENT, SEGMENT + 1, 3 * SEGMENT, 5 * SEGMENT - 7]) {
      const bytes = contentBytes('ahead', size)
      await put('key', bytes, encrypting)
      using object = await open('key')
      asked.length = 0
      const ranges = [
        [0, size],
        [1, size],
        [SEGMENT - 1, SEGMENT + 1],
        [2 * SEGMENT, 3 * SEGMENT],
        [size - 1, size],
      ]
      for (const [start = 0, end = 0] of ranges) {
        if (start < 0 || end > size || start > end) continue
        const read = await all(object.read({ start, end }))
        expect(read.equals(bytes.subarray(start, end)), `${start} to ${end} of ${size}`).toBe(true)
      }
    }
  }
  return { asked, check }
}

it('only so many read ahead; another one does when there is room again', async () => {
  const { asked, put, open } = await readingEngine(1)
  const bytes = contentBytes('ahead', 8 * SEGMENT)
  await put('key', bytes)
  using object = await open('key')
  const range = { start: 0, end: bytes.length }

  const first = object.read(range)[Symbol.asyncIterator]()
  await first.next()
  expect(Math.max(...asked)).toBeGreaterThan(LARGEST_READ)

  asked.length = 0
  const second = object.read(range)[Symbol.asyncIterator]()
  const got = [Buffer.from((await second.next()).value), Buffer.from((await second.next()).value)]
  expect(Math.max(...asked)).toBeLessThanOrEqual(LARGEST_READ)

  await first.return?.()
  for (let step = await second.next(); !step.done; step = await second.next()) got.push(Buffer.from(step.value))
  expect(Math.max(...asked)).toBeGreaterThan(LARGEST_READ)
  expect(Buffer.concat(got).equals(bytes)).toBe(true)
})
