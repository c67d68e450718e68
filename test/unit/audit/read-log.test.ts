import { appendFile } from 'node:fs/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ReadLine, readLog, type Span } from '../../../src/audit/read-log.ts'
import { logFiles, writtenLog } from '../../support/audit-log.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'

let home: TemporaryDirectory
let directory: string
let all: readonly { readonly seq: number; readonly time: string }[]
beforeAll(async () => {
  home = await temporaryDirectory()
  directory = home.join('audit')
  // Three files, of several windows each.
  await writtenLog({ directory, fileBytes: 120_000 }, 1200, 50)
  const files = await logFiles(directory)
  expect(files.length).toBeGreaterThan(2)
  all = files.flatMap(({ text }) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  )
  // As a write that was interrupted leaves it.
  await appendFile(files.at(-1)?.path ?? '', '{"action":"s3.GetObject","ki')
})
afterAll(() => home[Symbol.asyncDispose]())

async function collected(span: Span, order: 'newest-first' | 'oldest-first'): Promise<ReadLine[]> {
  const lines: ReadLine[] = []
  for await (const line of readLog(directory, span, order)) lines.push(line)
  return lines
}
const seqs = (lines: readonly { readonly seq: number }[]) => lines.map(({ seq }) => seq)

describe('reading the audit log', () => {
  it('gives every whole line, from either end', async () => {
    const lines = await collected({}, 'oldest-first')
    expect(seqs(lines)).toEqual(seqs(all))
    expect(lines.map(({ record }) => record)).toEqual(all)
    expect(seqs(await collected({}, 'newest-first'))).toEqual(seqs(all).reverse())
  })

  it('gives just the lines of a span, wherever it begins and ends', async () => {
    const place = fc.integer({ min: 0, max: all.length + 1 })
    const timeAt = (index: number) => all[Math.min(index, all.length - 1)]?.time ?? ''
    await fc.assert(
      fc.asyncProperty(place, place, fc.boolean(), fc.boolean(), async (from, to, byTime, newestFirst) => {
        const span = byTime ? { since: timeAt(from), until: timeAt(to) } : { after: from, before: to }
        const wanted = all.filter(({ seq, time }) =>
          byTime ? time >= timeAt(from) && time < timeAt(to) : seq > from && seq < to,
        )
        const found = seqs(await collected(span, newestFirst ? 'newest-first' : 'oldest-first'))
        expect(found).toEqual(newestFirst ? seqs(wanted).reverse() : seqs(wanted))
      }),
      { numRuns: 40 },
    )
  })

  it('gives of all lines those that have what is looked for, and one now and then that tells how far it has come', async () => {
    const big = home.join('big')
    await writtenLog({ directory: big, fileBytes: 1_000_000 }, 9000, 50)
    const needles = [['"object 77 ', '"object 8888 '], ['"action":"s3.']]
    const holds = ({ text }: ReadLine): boolean => needles.every((some) => some.some((one) => text.includes(one)))
    for (const order of ['oldest-first', 'newest-first'] as const) {
      const every: ReadLine[] = []
      const found: ReadLine[] = []
      for await (const line of readLog(big, {}, order)) every.push(line)
      for await (const line of readLog(big, {}, order, needles)) found.push(line)
      expect(seqs(found.filter(holds))).toEqual(seqs(every.filter(holds)))
      expect(found.filter(holds)).toHaveLength(2)
      expect(seqs(found)[0]).toBe(seqs(every)[0])
      const others = found.filter((line) => !holds(line))
      expect(others.length).toBeGreaterThan(1)
      expect(others.length).toBeLessThan(5)
    }
  })

  it('finds nothing where there is no log', async () => {
    const none: ReadLine[] = []
    for await (const line of readLog(home.join('.'), {}, 'newest-first')) none.push(line)
    expect(none).toEqual([])
  })
})
