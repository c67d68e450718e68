import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSigningKey, readPublicKeys } from '../../../src/audit/keys.ts'
import { verifyLog } from '../../../src/audit/verify.ts'
import { KEY, logFiles, PUBLIC_KEYS, verifyDirectory, writtenLog } from '../../support/audit-log.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'

let home: TemporaryDirectory
let whole: string
let files: { path: string; text: string }[]
beforeAll(async () => {
  home = await temporaryDirectory()
  whole = home.join('whole')
  await writtenLog({ directory: whole, fileBytes: 4000, maxBytes: 10 ** 6 }, 40)
  files = await logFiles(whole)
})
afterAll(() => home[Symbol.asyncDispose]())

/** The line that a byte of a file is in. */
const lineAt = (text: Buffer, offset: number): number => text.subarray(0, offset).toString('latin1').split('\n').length

/** A copy of the log, changed, and what verification says of it. */
async function changed(change: (directory: string) => Promise<unknown>) {
  const directory = home.join('changed')
  await rm(directory, { recursive: true, force: true })
  await cp(whole, directory, { recursive: true })
  await change(directory)
  const report = await verifyDirectory(directory)
  const { first } = report
  return { ...report, at: first && { file: first.file.split('/').at(-1), line: first.line }, why: first?.problem }
}

const changeFile = (index: number, edit: (lines: string[]) => string[]) => (directory: string) => {
  const file = files[index]
  if (!file) throw new Error('no such file')
  const lines = edit(file.text.split('\n').slice(0, -1))
  return writeFile(join(directory, nameOf(index)), lines.map((line) => `${line}\n`).join(''))
}
const nameOf = (index: number): string => files[index]?.path.split('/').at(-1) ?? ''
const lineCount = (index: number): number => (files[index]?.text.split('\n').length ?? 1) - 1

describe('verification', () => {
  it('passes a log as it was written, over several files', async () => {
    expect(files.length).toBeGreaterThan(3)
    const report = await verifyDirectory(whole)
    expect(report).toMatchObject({ outcome: 'verified', first: undefined, fromSeq: 1, unsignedLines: 0 })
    expect(report.throughSeq).toBe(files.reduce((sum, { text }) => sum + text.split('\n').length - 1, 0))
    expect(report.signed?.seq).toBe(report.throughSeq)
  })

  it('names the line of any byte that was changed', async () => {
    const anyByte = fc.record({ file: fc.nat(files.length - 1), at: fc.nat(), to: fc.nat(255) })
    await fc.assert(
      fc.asyncProperty(anyByte, async ({ file, at, to }) => {
        const bytes = await readFile(files[file]?.path ?? '')
        const offset = at % bytes.length
        fc.pre(bytes[offset] !== to)
        const line = lineAt(bytes, offset)
        bytes[offset] = to
        const { outcome, at: found } = await changed((directory) => writeFile(join(directory, nameOf(file)), bytes))
        const veryLast = file === files.length - 1 && offset === bytes.length - 1
        if (veryLast) expect(outcome).toBe('unsigned')
        else expect(found).toEqual({ file: nameOf(file), line })
      }),
      { numRuns: 400 },
    )
  })

  it('names the place of a line that was removed, doubled or moved', async () => {
    const anyPlace = fc.record({ file: fc.nat(files.length - 1), at: fc.nat(), to: fc.nat() })
    await fc.assert(
      fc.asyncProperty(anyPlace, async ({ file, at, to }) => {
        const count = lineCount(file)
        const [from, where] = [at % (count - 1), to % (count - 1)]
        const removed = await changed(changeFile(file, (lines) => lines.toSpliced(from, 1)))
        expect(removed.at).toEqual({ file: nameOf(file), line: from + 1 })
        const doubled = await changed(changeFile(file, (lines) => lines.toSpliced(from, 0, lines[from] ?? '')))
        expect(doubled.at).toEqual({ file: nameOf(file), line: from + 2 })
        if (from === where) return
        const swap = (lines: string[]) => lines.with(from, lines[where] ?? '').with(where, lines[from] ?? '')
        const swapped = await changed(changeFile(file, swap))
        expect(swapped.at).toEqual({ file: nameOf(file), line: Math.min(from, where) + 1 })
      }),
      { numRuns: 60 },
    )
  })

  it('names what follows a file that was removed, wherever it was', async () => {
    for (let index = 0; index < files.length - 1; index++) {
      const { outcome, at } = await changed((directory) => rm(join(directory, nameOf(index))))
      expect([outcome, at]).toEqual(['bad', { file: nameOf(index + 1), line: 1 }])
    }
  })

  it('names a file in the place of another', async () => {
    const { at } = await changed(async (directory) => {
      await rename(join(directory, nameOf(1)), join(directory, 'x'))
      await rename(join(directory, nameOf(2)), join(directory, nameOf(1)))
      await rename(join(directory, 'x'), join(directory, nameOf(2)))
    })
    expect(at).toEqual({ file: nameOf(1), line: 1 })
  })

  it('is not deceived by a chain made anew: it names the first signature that does not fit', async () => {
    const { chainHash, formatLine, NO_HASH, splitLine } = await import('../../../src/audit/format.ts')
    let hash = NO_HASH
    const { at, why } = await changed(
      changeFile(0, (lines) =>
        lines.map((line) => {
          const split = splitLine(line)
          if (!split) throw new Error('a bad line')
          const body = split.body.replace('object 3 ', 'object 4 ').replace(/"prev":"[^"]+"/, `"prev":"${hash}"`)
          hash = chainHash(hash, body)
          return formatLine(body, hash, split.signature).slice(0, -1)
        }),
      ),
    )
    const lines = files[0]?.text.split('\n') ?? []
    const event = lines.findIndex((line) => line.includes('object 3 '))
    const checkpoint = lines.findIndex((line, index) => index > event && line.includes('"signature"'))
    expect(at).toEqual({ file: nameOf(0), line: checkpoint + 1 })
    expect(why).toContain('signature')
  })

  it('says of a log that was cut off at a checkpoint that it ends there, and that it was longer once', async () => {
    const { signed } = await verifyDirectory(whole)
    const last = files.length - 1
    const cut = (directory: string) => rm(join(directory, nameOf(last)))
    // Nothing in what is left can tell.
    expect((await changed(cut)).outcome).toBe('verified')
    const report = await verifyDirectory(home.join('changed'), signed)
    expect(report).toMatchObject({
      outcome: 'bad',
      first: { seq: signed?.seq, problem: expect.stringContaining('cut off') },
    })
    expect((await verifyDirectory(whole, signed)).outcome).toBe('verified')
    expect((await verifyDirectory(whole, { seq: 5, hash: 'A'.repeat(43) })).outcome).toBe('bad')
  })

  it('takes no other key, and several', async () => {
    const other = openSigningKey(Buffer.alloc(32, 8))
    const source = { type: 'directory', path: whole } as const
    const wrong = await verifyLog({ source, keys: readPublicKeys(other.publicKeyPem) })
    expect(wrong).toMatchObject({ outcome: 'bad', first: { line: 2, problem: expect.stringContaining(KEY.keyId) } })
    const both = readPublicKeys(`${other.publicKeyPem}\n${KEY.publicKeyPem}`)
    expect(await verifyLog({ source, keys: both })).toMatchObject({ outcome: 'verified' })
    expect(() => readPublicKeys('x')).toThrow(expect.objectContaining({ code: 'AuditKeyInvalid' }))
  })

  it('passes some files in a row, and says where they begin', async () => {
    const some = files.slice(1, 3).map(({ path }, index) => ({ path, number: index + 2 }))
    const report = await verifyLog({ source: { type: 'files', files: some }, keys: PUBLIC_KEYS })
    expect(report.outcome).toBe('verified')
    expect(report.fromSeq).toBe(lineCount(0) + 1)
    const gap = [1, 3].map((index) => ({ path: files[index]?.path ?? '', number: index + 1 }))
    const broken = await verifyLog({ source: { type: 'files', files: gap }, keys: PUBLIC_KEYS })
    expect(broken).toMatchObject({ outcome: 'bad', first: { file: files[3]?.path, line: 1 } })
  })

  it('calls a log without files unsigned, and an empty file bad', async () => {
    expect(
      (await changed((directory) => Promise.all(files.map((_, at) => rm(join(directory, nameOf(at))))))).outcome,
    ).toBe('unsigned')
    expect((await changed((directory) => writeFile(join(directory, nameOf(1)), ''))).at).toEqual({
      file: nameOf(1),
      line: 0,
    })
  })
})
