import { createHash } from 'node:crypto'
import { readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chainFrom, type Link } from '../../../src/audit/chain.ts'
import { fileName } from '../../../src/audit/format.ts'
import { openSigningKey } from '../../../src/audit/keys.ts'
import {
  event,
  logFiles,
  runUntil,
  saysDropped,
  testLog,
  verifyDirectory,
  writtenLog,
} from '../../support/audit-log.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'

// What somebody can do to the log of a server that does not run, without its key, so that the server hides it.

let home: TemporaryDirectory
let directory: string
beforeEach(async () => {
  home = await temporaryDirectory()
  directory = home.join('audit')
})
afterEach(() => home[Symbol.asyncDispose]())

/** Hash and number of the last line of a file. */
function lastLine(text: string): Link {
  const { seq, hash } = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '')
  return { seq, hash }
}

describe('files that are to be removed', () => {
  const written = { fileBytes: 4000, maxBytes: 10 ** 6 }
  let files: { path: string; text: string }[]
  let expected: Link
  const path = (number: number): string => join(directory, fileName(number))

  beforeEach(async () => {
    await writtenLog({ directory, ...written }, 70)
    files = await logFiles(directory)
    expected = lastLine(files[2]?.text ?? '')
    expect(await verifyDirectory(directory, expected)).toMatchObject({ outcome: 'verified' })
  })

  /** A run of the server that lasts until it has said something. */
  const run = (maxBytes = written.maxBytes): Promise<readonly string[]> =>
    runUntil({ directory, ...written, maxBytes }, (troubles) => troubles.length > 0)

  it.each([1, 4])('stay when file %i was made longer without lines', async (number) => {
    const { size } = await stat(path(number))
    await truncate(path(number), 2_000_000)
    const [trouble] = await run()
    expect(trouble).toContain(path(number))
    expect(trouble).toContain('none of its files is removed')
    expect((await logFiles(directory)).length).toBeGreaterThanOrEqual(files.length)
    expect(await saysDropped(directory)).toBe(false)
    expect(await verifyDirectory(directory, expected)).toMatchObject({ outcome: 'bad', first: { file: path(number) } })
    await truncate(path(number), size)
    expect(await verifyDirectory(directory, expected)).toMatchObject({ outcome: 'verified', fromSeq: 1 })
  })

  it('stay when a file behind them was made just so much longer that they have to go', async () => {
    const { size } = await stat(path(6))
    await truncate(path(6), size + written.maxBytes - files.reduce((sum, { text }) => sum + text.length, 0))
    const [trouble] = await run()
    expect(trouble).toContain(path(6))
    expect(await saysDropped(directory)).toBe(false)
    await truncate(path(6), size)
    expect(await verifyDirectory(directory, expected)).toMatchObject({ outcome: 'verified', fromSeq: 1 })
  })

  it('stay when what the last write left is larger than any bound: it counts for nothing', async () => {
    await truncate(files.at(-1)?.path ?? '', 2_000_000)
    const { log, troubles } = await testLog({ directory, ...written })
    for (let n = 0; n < 40; n++) {
      log.record(event(n))
      await log.settled()
    }
    await log.close()
    expect(troubles).toEqual([])
    expect(await verifyDirectory(directory, expected)).toMatchObject({ outcome: 'verified', fromSeq: 1 })
  })

  it('are no cover for a file of zeros in the place of some that were deleted', async () => {
    for (const { path: gone } of files.slice(0, -1)) await rm(gone)
    await writeFile(path(files.length - 1), '')
    await truncate(path(files.length - 1), 2_000_000)
    await run()
    expect(await saysDropped(directory)).toBe(false)
    expect((await verifyDirectory(directory, expected)).outcome).toBe('bad')
  })

  it('are no cover for older ones that were deleted', async () => {
    await rm(path(1))
    const [trouble] = await run(12_000)
    expect(trouble).toContain('are missing')
    expect(await saysDropped(directory)).toBe(false)
    expect(await verifyDirectory(directory, expected)).toMatchObject({ outcome: 'bad', first: { file: path(2) } })
  })

  it('stay when a checkpoint in them is of another key, though every hash fits', async () => {
    const forger = openSigningKey(Buffer.alloc(32, 9))
    await rm(directory, { recursive: true })
    await writtenLog({ directory, ...written, key: forger }, 40)
    const [trouble] = await run(12_000)
    expect(trouble).toContain('another key')
    expect(await saysDropped(directory)).toBe(false)
  })

  it('go when all is well', async () => {
    expect(await runUntil({ directory, ...written, maxBytes: 12_000 }, () => saysDropped(directory))).toEqual([])
    const report = await verifyDirectory(directory, expected)
    expect(report).toMatchObject({ outcome: 'verified', dropped: { throughSeq: report.fromSeq - 1 } })
  })

  it('are named again with every file for as long as the log outgrows its bound', async () => {
    await truncate(path(1), 2_000_000)
    const troubles = await runUntil({ directory, ...written }, ({ length }) => length > 2)
    expect(new Set(troubles).size).toBe(1)
  })
})

describe('a line that calls torn what was signed', () => {
  const sizes = { fileBytes: 100_000, maxBytes: 10 ** 6 }

  /** Changes line 21 of the only file, and adds the file that would follow if a crash had left all from there on. */
  async function forge(): Promise<string> {
    await writtenLog({ directory, ...sizes }, 40)
    const [file] = await logFiles(directory)
    const lines = (file?.text ?? '').trimEnd().split('\n')
    const changed = lines.with(20, lines[20]?.replace('success', 'failure') ?? '').map((line) => `${line}\n`)
    await writeFile(file?.path ?? '', changed.join(''))
    const rest = Buffer.from(changed.slice(20).join(''))
    const torn = { bytes: rest.length, sha256: createHash('sha256').update(rest).digest('base64url') }
    const chain = chainFrom(lastLine(lines[19] ?? ''), 0, openSigningKey(Buffer.alloc(32, 9)))
    const header = chain.file({ file: 2, torn }, Date.UTC(2030, 0, 2))
    await writeFile(join(directory, fileName(2)), header)
    return file?.path ?? ''
  }

  it('hides nothing: the line that was changed is named, and the server says so at its start', async () => {
    const file = await forge()
    const { log, troubles } = await testLog({ directory, ...sizes })
    log.record(event(99))
    await log.settled()
    await log.close()
    expect(troubles).toEqual([expect.stringContaining(`CHANGED: ${file}`)])
    expect(await verifyDirectory(directory)).toMatchObject({ outcome: 'bad', first: { file, line: 21 }, torn: [] })
  })

  it('is believed of a checkpoint that lost its newline and nothing else', async () => {
    await writtenLog({ directory, ...sizes }, 3)
    const [file] = await logFiles(directory)
    await truncate(file?.path ?? '', Buffer.byteLength(file?.text ?? '') - 1)
    for (let run = 0; run < 2; run++) {
      const { log, troubles } = await testLog({ directory, ...sizes })
      await log.close()
      expect(troubles).toEqual([])
    }
    expect(await verifyDirectory(directory)).toMatchObject({ outcome: 'verified', torn: [{ file: file?.path }] })
  })

  it('is looked through for signatures whatever lies between them', async () => {
    await writtenLog({ directory, ...sizes }, 10)
    const [file] = await logFiles(directory)
    const lines = (file?.text ?? '').split('\n')
    const text = lines.with(5, 'x'.repeat(300_000)).join('\n')
    await writeFile(file?.path ?? '', text)
    const { log, troubles } = await testLog({ directory, ...sizes })
    await log.close()
    expect(troubles).toEqual([expect.stringContaining('WAS CHANGED')])
    expect(await readFile(file?.path ?? '', 'utf8')).toBe(text)
  })
})
