import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { MIN_PART_BYTES, uploadInParts } from '../support/multipart.ts'
import { type ObjectHouse, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'

const SEGMENT = 65_536
/** What S3 answers to a range, from its definition: an inclusive slice, or the whole, or 416. */
type Expected = readonly [first: number, last: number] | 'whole' | 416

const objects = new Map<string, Buffer>([
  ['empty', Buffer.alloc(0)],
  ['one', Buffer.from('1')],
  ['segment', contentBytes('segment', SEGMENT)],
  ['small', contentBytes('small', 2 * SEGMENT + 100)],
  ['large', contentBytes('large', 9 * SEGMENT + 1)],
])
const partBodies = [
  contentBytes('p1', MIN_PART_BYTES),
  contentBytes('p2', MIN_PART_BYTES + 1),
  contentBytes('p3', SEGMENT + 1),
]
objects.set('parts', Buffer.concat(partBodies))

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
  for (const [key, body] of objects) if (key !== 'parts') await test.put(key, body)
  await uploadInParts(test, 'parts', partBodies)
})
afterAll(() => test[Symbol.asyncDispose]())

async function check(key: string, range: string, expected: Expected): Promise<void> {
  const body = objects.get(key) ?? Buffer.alloc(0)
  const reply = await test.raw({ method: 'GET', key, headers: { range } })
  if (expected === 416) {
    expect(outcome(reply), range).toBe('416 InvalidRange')
    expect(reply.headers['content-range'], range).toBe(`bytes */${body.length}`)
    return
  }
  const [first, last] = expected === 'whole' ? [0, body.length - 1] : expected
  expect(reply.status, range).toBe(expected === 'whole' ? 200 : 206)
  expect(reply.headers['content-range'], range).toBe(
    expected === 'whole' ? undefined : `bytes ${first}-${last}/${body.length}`,
  )
  expect(reply.headers['content-length'], range).toBe(String(last + 1 - first))
  expect(reply.body.equals(body.subarray(first, last + 1)), range).toBe(true)
}

describe('a range of an object', () => {
  it.each<[string, string, Expected]>([
    ['small', 'bytes=0-0', [0, 0]],
    ['small', 'bytes=0-9', [0, 9]],
    ['small', 'bytes=5-', [5, 2 * SEGMENT + 99]],
    ['small', 'bytes=-1', [2 * SEGMENT + 99, 2 * SEGMENT + 99]],
    ['small', 'bytes=-10000000', [0, 2 * SEGMENT + 99]],
    ['small', 'bytes=0-10000000', [0, 2 * SEGMENT + 99]],
    ['small', 'bytes=0-99999999999999999999', [0, 2 * SEGMENT + 99]],
    ['small', `bytes=${2 * SEGMENT + 99}-`, [2 * SEGMENT + 99, 2 * SEGMENT + 99]],
    ['small', `bytes=${2 * SEGMENT + 100}-`, 416],
    ['small', 'bytes=99999999999999999999-', 416],
    ['small', `bytes=${2 * SEGMENT + 100}-${2 * SEGMENT + 200}`, 416],
    ['small', 'bytes=-0', 416],
    ['one', 'bytes=0-', [0, 0]],
    ['one', 'bytes=1-', 416],
    ['empty', 'bytes=0-', 416],
    ['empty', 'bytes=0-0', 416],
    ['empty', 'bytes=-1', 416],
  ])('%s with %s', check)

  // RFC 9110: what is not understood, and what names no single range, is ignored.
  it.each([
    'bytes=5-2',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=1',
    'items=0-1',
    'bytes 0-1',
    '0-1',
    'bytes=0-1,4-5',
    'bytes=--1',
    'bytes=0x1-2',
    'bytes=1.5-3',
  ])('ignores %s', async (range) => {
    await check('small', range, 'whole')
    await check('empty', range, 'whole')
  })

  it.each(['segment', 'small', 'large'])('around every segment boundary of %s', async (key) => {
    const size = objects.get(key)?.length ?? 0
    const edges = [SEGMENT, 2 * SEGMENT, 4 * SEGMENT, 8 * SEGMENT, 9 * SEGMENT].filter((edge) => edge <= size)
    for (const edge of edges) {
      for (const first of [edge - 2, edge - 1, edge, edge + 1]) {
        for (const last of [edge - 1, edge, edge + SEGMENT - 1, edge + SEGMENT]) {
          if (last < first) continue
          await check(key, `bytes=${first}-${last}`, first >= size ? 416 : [first, Math.min(last, size - 1)])
        }
      }
    }
  })

  it('around every part boundary', async () => {
    const size = objects.get('parts')?.length ?? 0
    for (const edge of [MIN_PART_BYTES, 2 * MIN_PART_BYTES + 1]) {
      await check('parts', `bytes=${edge - 1}-${edge}`, [edge - 1, edge])
      await check('parts', `bytes=${edge}-${edge}`, [edge, edge])
      await check('parts', `bytes=${edge - 1}-${edge - 1}`, [edge - 1, edge - 1])
      await check('parts', `bytes=${edge - SEGMENT}-${edge + SEGMENT - 1}`, [edge - SEGMENT, edge + SEGMENT - 1])
    }
    await check('parts', `bytes=${MIN_PART_BYTES - 1}-${2 * MIN_PART_BYTES + 1}`, [
      MIN_PART_BYTES - 1,
      2 * MIN_PART_BYTES + 1,
    ])
    await check('parts', `bytes=-${SEGMENT + 2}`, [size - SEGMENT - 2, size - 1])
  })

  it('is the slice that it says, wherever it is', async () => {
    const place = fc.constantFrom('one', 'segment', 'small', 'large', 'parts').chain((key) => {
      const size = objects.get(key)?.length ?? 0
      const edge = fc
        .nat({ max: Math.ceil(size / SEGMENT) })
        .chain((n) => fc.integer({ min: -1, max: 1 }).map((d) => Math.max(0, n * SEGMENT + d)))
      const offset = fc.oneof(edge, fc.nat({ max: size + 10 }))
      const form = fc.constantFrom<'both' | 'open' | 'suffix'>('both', 'open', 'suffix')
      return fc.record({ key: fc.constant(key), size: fc.constant(size), form, a: offset, b: offset })
    })
    await fc.assert(
      fc.asyncProperty(place, async ({ key, size, form, a, b }) => {
        const [first, last] = a <= b ? [a, b] : [b, a]
        if (form === 'suffix') return check(key, `bytes=-${a}`, a === 0 ? 416 : [Math.max(0, size - a), size - 1])
        if (form === 'open') return check(key, `bytes=${a}-`, a >= size ? 416 : [a, size - 1])
        return check(key, `bytes=${first}-${last}`, first >= size ? 416 : [first, Math.min(last, size - 1)])
      }),
      { numRuns: 100 },
    )
  })

  it('leaves the checksum of the whole out', async () => {
    await test.put('sum', 'checked', { ChecksumAlgorithm: 'SHA1' })
    expect((await test.get('sum', { ChecksumMode: 'ENABLED' })).ChecksumSHA1).toBeTruthy()
    expect((await test.get('sum', { ChecksumMode: 'ENABLED', Range: 'bytes=1-2' })).ChecksumSHA1).toBeUndefined()
  })

  describe('with If-Range', () => {
    it.each<[string, (object: { etag: string; date: string }) => string, Expected]>([
      ['the ETag', ({ etag }) => etag, [0, 1]],
      ['another ETag', () => '"other"', 'whole'],
      // RFC 9110: If-Range compares strongly.
      ['a weak ETag', ({ etag }) => `W/${etag}`, 'whole'],
      ['the date', ({ date }) => date, [0, 1]],
      ['an earlier date', ({ date }) => new Date(Date.parse(date) - 1000).toUTCString(), 'whole'],
    ])('%s', async (_, ifRange, expected) => {
      const { headers } = await test.raw({ method: 'HEAD', key: 'small' })
      const object = { etag: headers.etag ?? '', date: headers['last-modified'] ?? '' }
      const reply = await test.raw({
        method: 'GET',
        key: 'small',
        headers: { range: 'bytes=0-1', 'if-range': ifRange(object) },
      })
      expect(reply.status).toBe(expected === 'whole' ? 200 : 206)
      expect(reply.body).toHaveLength(expected === 'whole' ? (objects.get('small')?.length ?? 0) : 2)
    })
  })
})
