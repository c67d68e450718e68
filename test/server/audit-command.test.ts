import { execFile } from 'node:child_process'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyLog } from '../../src/audit/verify.ts'
import { auditCommand } from '../../src/server/commands/audit.ts'
import { KEY, logFiles, PUBLIC_KEYS, recordsOf, writtenLog } from '../support/audit-log.ts'
import { startHouse } from '../support/house.ts'
import { ownCommand } from '../support/own-command.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const MAIN = path.join(import.meta.dirname, '../../src/server/main.js')

let home: TemporaryDirectory
let directory: string
let publicKey: string
let files: readonly { readonly path: string; readonly text: string }[]
beforeAll(async () => {
  home = await temporaryDirectory()
  directory = home.join('audit')
  publicKey = home.join('audit.pem')
  await writeFile(publicKey, KEY.publicKeyPem)
  await writtenLog({ directory, fileBytes: 4000, maxBytes: 10 ** 6 }, 40)
  files = await logFiles(directory)
})
afterAll(() => home[Symbol.asyncDispose]())

async function run(...args: readonly string[]) {
  const [out, err] = [new PassThrough({ encoding: 'utf8' }), new PassThrough({ encoding: 'utf8' })]
  const texts = [out, err].map(async (stream) => (await stream.toArray()).join(''))
  const status = await auditCommand(args, { out, err })
  out.end()
  err.end()
  const [output = '', errors = ''] = await Promise.all(texts)
  return { status, output, errors }
}
const verify = (...args: readonly string[]) => run('verify', ...args, '--public-key', publicKey)
const excerpt = (text: string) => writeFile(home.join('excerpt.jsonl'), text).then(() => home.join('excerpt.jsonl'))

describe('coffer audit verify', () => {
  it('ends with 0 for a whole log, and prints the head that a later one is compared with', async () => {
    const { status, output } = await verify(directory)
    expect(status).toBe(0)
    const head = /head (\d+:[\w-]{43}) /.exec(output)?.[1] ?? ''
    expect((await verify(directory, '--expect', head)).status).toBe(0)
    await writtenLog({ directory: home.join('other') }, 3)
    expect(await verify(home.join('other'), '--expect', head)).toMatchObject({
      status: 1,
      errors: expect.stringContaining('cut off'),
    })
  })

  it('ends with 1 and names the file, the line, its number and what is wrong', async () => {
    const [first] = files
    const lines = first?.text.split('\n') ?? []
    const copy = home.join(path.basename(first?.path ?? ''))
    await writeFile(copy, lines.with(6, lines[6]?.replace('success', 'failure') ?? '').join('\n'))
    expect(await verify(copy)).toMatchObject({
      status: 1,
      errors: expect.stringContaining(`✕ bad: ${copy} line 7 (seq 7): the line, or what it follows, was changed`),
    })
    const report = JSON.parse((await verify(copy, '--json')).output)
    expect(report).toMatchObject({ outcome: 'bad', first: { file: copy, line: 7, seq: 7 }, throughSeq: 6 })
  })

  it('ends with 3 for a log that is not signed to its end', async () => {
    const copy = home.join('unsigned')
    await writtenLog({ directory: copy }, 3)
    const [file] = await logFiles(copy)
    const lines = file?.text.split('\n') ?? []
    await writeFile(file?.path ?? '', `${lines.slice(0, -2).join('\n')}\n{"half`)
    expect(await verify(copy)).toMatchObject({
      status: 3,
      output: expect.stringContaining('the last 4 lines are not signed'),
    })
  })

  it('ends with 2 for what it cannot read', async () => {
    await writeFile(home.join('no.pem'), 'x')
    const wrong = [
      ['verify', directory],
      ['verify', '--public-key', publicKey],
      ['verify', directory, '--public-key', home.join('none')],
      ['verify', directory, '--public-key', home.join('no.pem')],
      ['verify', home.join('nowhere'), '--public-key', publicKey],
      ['verify', directory, directory, '--public-key', publicKey],
      ['verify', directory, '--public-key', publicKey, '--expect', '1:x'],
      ['verify', directory, '--public-key', publicKey, '--wrong'],
      ['export'],
      ['export', directory, '--from', 'yesterday'],
      ['nothing'],
      [],
    ]
    for (const args of wrong) expect([args, (await run(...args)).status]).toEqual([args, 2])
    const help = (await ownCommand(['audit', '--help'])).out
    for (const word of ['coffer audit verify', '--follow ', '--who <', '--key <', '--since <', '--limit <', '--did <'])
      expect(help).toContain(word)
  })
})

describe('coffer audit export', () => {
  it('gives every range as an excerpt that verifies, signed at both ends', async () => {
    const records = await recordsOf(directory)
    const last = Number(records.at(-1)?.['seq'])
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: last }), fc.integer({ min: 1, max: last }), async (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)]
        const { status, output } = await run('export', directory, '--from', `${from}`, '--to', `${to}`)
        expect(status).toBe(0)
        const seqs = output
          .trim()
          .split('\n')
          .map((line): number => JSON.parse(line).seq)
        expect(seqs[0]).toBeLessThanOrEqual(from)
        expect(seqs.at(-1)).toBeGreaterThanOrEqual(to)
        // No more than to the checkpoints around it.
        expect(seqs.length).toBeLessThanOrEqual(to - from + 1 + 2 * 8)
        const report = await verifyLog({ source: { type: 'excerpt', path: await excerpt(output) }, keys: PUBLIC_KEYS })
        expect(report).toMatchObject({ outcome: 'verified', fromSeq: seqs[0], throughSeq: seqs.at(-1) })
      }),
      { numRuns: 100 },
    )
  })

  it('takes times, and says when there is nothing', async () => {
    const records = await recordsOf(directory)
    const time = String(records[20]?.['time'])
    const { output } = await run('export', directory, '--from', time, '--to', time)
    expect(output).toContain(`"time":"${time}"`)
    expect(output.split('\n').length).toBeLessThan(25)
    expect((await run('export', directory, '--from', '2031-01-01')).status).toBe(1)
    expect((await run('export', directory, '--to', '2029-12-31T23:59:59.999Z')).status).toBe(1)
  })

  it('writes a file of its own and replaces none', async () => {
    const out = home.join('out.jsonl')
    expect((await run('export', directory, '--out', out)).status).toBe(0)
    expect(await readFile(out, 'utf8')).toBe(files.map(({ text }) => text).join(''))
    expect((await stat(out)).mode & 0o077).toBe(0)
    expect((await run('export', directory, '--out', out)).status).toBe(8)
    expect((await verify(out)).status).toBe(0)
    await rm(out)
  })
})

describe('the program', () => {
  it('verifies with the public key alone the log of a server that is running, and prints that key by itself', async () => {
    await using test = await startHouse()
    const environment = { PATH: process.env['PATH'], COFFER_DATA_DIR: test.dataDir }
    const coffer = (...args: string[]) => promisify(execFile)(process.execPath, [MAIN, ...args], { env: environment })
    const { stdout: pem } = await coffer('audit', 'public-key')
    expect(pem).toBe(await (await fetch(`${test.controlUrl}/audit/public-key`)).text())
    await writeFile(home.join('server.pem'), pem)
    const verifying = promisify(execFile)(
      process.execPath,
      [MAIN, 'audit', 'verify', `${test.dataDir}/audit`, '--public-key', home.join('server.pem')],
      { env: {} },
    )
    expect((await verifying).stdout).toContain('✓ verified')
    await expect(coffer('audit', 'public-key', '--data-dir', home.join('none'))).rejects.toMatchObject({ code: 2 })
    await expect(stat(home.join('none'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
