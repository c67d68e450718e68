import { appendFile, cp, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chainFrom } from '../../../src/audit/chain.ts'
import { type AuditEvent, eventBody } from '../../../src/audit/event.ts'
import { canonicalJson } from '../../../src/envelope/canonical-json.ts'
import { type DiskFs, nodeFs } from '../../../src/storage/blob/disk-fs.ts'
import {
  endOf,
  event,
  eventsIn,
  KEY,
  logFiles,
  recordsOf,
  runUntil,
  saysDropped,
  testLog,
  verifyDirectory,
  writtenLog,
} from '../../support/audit-log.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../../support/temporary-directory.ts'

let home: TemporaryDirectory
let directory: string
beforeEach(async () => {
  home = await temporaryDirectory()
  directory = home.join('audit')
})
afterEach(() => home[Symbol.asyncDispose]())

const eventsOf = (path = directory) => eventsIn(path)
const lastFile = () => endOf(directory)

describe('the audit log', () => {
  it('writes an event as RFC 8785 has it, whatever it holds', () => {
    const text = fc.string({ unit: 'binary' })
    const known: fc.Arbitrary<AuditEvent> = fc.record(
      {
        ...{
          kind: fc.constantFrom('key', 'data-key', 'iam'),
          action: text,
          outcome: fc.constantFrom('success', 'failure'),
        },
        ...{
          account: text,
          code: text,
          reason: text,
          iamId: text,
          service: text,
          target: text,
          object: text,
          key: text,
        },
        ...{ keyVersion: text, use: text, dataKey: text, requestId: text, correlationId: text, sourceIp: text },
      },
      { requiredKeys: ['kind', 'action', 'outcome'], noNullPrototype: true },
    )
    fc.assert(
      fc.property(known, fc.nat(), (given, seq) => {
        const time = '2030-01-01T00:00:00.000Z'
        const whole = Object.entries(given).map(([name, value]) => [name, value.toWellFormed()])
        expect(eventBody(given, seq, time)).toBe(
          canonicalJson({ ...Object.fromEntries(whole), seq, time, type: 'event' }),
        )
      }),
    )
  })

  it('clips what is too long, so that every line can be read', () => {
    const body = eventBody({ ...event(), target: '\u0001'.repeat(10 ** 6), object: 'Ω'.repeat(1024) }, 1, 'now')
    expect(Buffer.byteLength(body)).toBeLessThan(16_384)
    expect(JSON.parse(body)).toMatchObject({ object: 'Ω'.repeat(1024) })
  })

  it('has what was recorded on the disk, signed, when it says so', async () => {
    const { log } = await testLog({ directory, timing: { flushMs: 10 ** 6 } })
    log.record(event(1))
    log.record(event(2))
    await log.settled()
    await cp(directory, home.join('then'), { recursive: true })
    expect(await eventsOf(home.join('then'))).toMatchObject([{ object: 'object 1 Ω' }, { object: 'object 2 Ω' }])
    expect(await verifyDirectory(home.join('then'))).toMatchObject({ outcome: 'verified' })
    await log.close()
    expect((await recordsOf(directory)).map(({ type }) => type)).toEqual([
      'file',
      'checkpoint',
      'start',
      'checkpoint',
      'event',
      'event',
      'checkpoint',
      'stop',
      'checkpoint',
    ])
  })

  it('says so, too, while more is recorded with each write', async () => {
    let meanwhile = 0
    let isBusy = false
    const writev: DiskFs['writev'] = (...of) => {
      if (isBusy && meanwhile < 1000) log.record(event(++meanwhile))
      return nodeFs.writev(...of)
    }
    const { log } = await testLog({ directory, disk: { ...nodeFs, writev } })
    log.record(event(0))
    isBusy = true
    await log.settled()
    expect(meanwhile).toBeLessThan(10)
    isBusy = false
    await log.close()
    expect(await eventsOf()).toHaveLength(meanwhile + 1)
  })

  it('writes what nobody waits for soon, and signs it later', async () => {
    const { log } = await testLog({ directory, timing: { flushMs: 1, signMs: 10 ** 6 } })
    log.record(event(1))
    await expect.poll(() => eventsOf()).toHaveLength(1)
    expect(await verifyDirectory(directory)).toMatchObject({ outcome: 'unsigned', unsignedLines: 1 })
    await log.close()
  })

  it('signs after a time, and after a number of lines', async () => {
    const { log } = await testLog({ directory, timing: { flushMs: 1, signMs: 20 } })
    log.record(event(1))
    await expect.poll(async () => (await verifyDirectory(directory)).outcome).toBe('verified')
    await log.close()
    const { log: again } = await testLog({ directory, timing: { flushMs: 1, signMs: 10 ** 6, signLines: 3 } })
    for (const n of [2, 3, 4]) again.record(event(n))
    await expect.poll(async () => (await verifyDirectory(directory)).outcome).toBe('verified')
    await again.close()
  })

  it('keeps the order in which things were recorded, whoever waits', async () => {
    const { log } = await testLog({ directory, fileBytes: 3000, maxBytes: 10 ** 6 })
    const waits: Promise<void>[] = []
    for (let n = 0; n < 300; n++) {
      log.record(event(n))
      if (n % 7 === 0) waits.push(log.settled())
      if (n % 50 === 0) await sleep(2)
    }
    await Promise.all(waits)
    await log.close()
    expect((await eventsOf()).map(({ object }) => object)).toEqual(
      Array.from({ length: 300 }, (_, n) => `object ${n} Ω`),
    )
    expect(await verifyDirectory(directory)).toMatchObject({ outcome: 'verified', fromSeq: 1 })
  })

  it('goes on with its chain after a restart, in the same file', async () => {
    await writtenLog({ directory }, 3)
    await writtenLog({ directory }, 3)
    expect(await logFiles(directory)).toHaveLength(1)
    expect(await verifyDirectory(directory)).toMatchObject({ outcome: 'verified', fromSeq: 1 })
    expect(await recordsOf(directory)).toContainEqual(expect.objectContaining({ type: 'start', unsigned: 0 }))
  })

  it('begins with no file at all in the mode of secrets', async () => {
    await writtenLog({ directory }, 1)
    expect((await stat((await lastFile()).path)).mode & 0o077).toBe(0)
    expect((await stat(directory)).mode & 0o077).toBe(0)
  })
})

describe('after a crash', () => {
  it('takes over lines that nobody had signed, and says how many', async () => {
    const { log } = await testLog({ directory, timing: { flushMs: 1, signMs: 10 ** 6 } })
    log.record(event(1))
    log.record(event(2))
    await expect.poll(() => eventsOf()).toHaveLength(2)
    await cp(directory, home.join('crashed'), { recursive: true })
    await log.close()
    await writtenLog({ directory: home.join('crashed') }, 1)
    expect(await verifyDirectory(home.join('crashed'))).toMatchObject({ outcome: 'verified' })
    expect(await recordsOf(home.join('crashed'))).toContainEqual(
      expect.objectContaining({ type: 'start', unsigned: 2 }),
    )
  })

  it('leaves an unfinished line where it is, says in the next file what it is, and goes on', async () => {
    await writtenLog({ directory }, 2)
    const torn = await lastFile()
    await truncate(torn.path, torn.text.length - 200)
    const cut = await readFile(torn.path)
    expect(await verifyDirectory(directory)).toMatchObject({ outcome: 'unsigned' })
    await writtenLog({ directory }, 2)
    expect(await readFile(torn.path)).toEqual(cut)
    const report = await verifyDirectory(directory)
    expect(report).toMatchObject({
      outcome: 'verified',
      files: 2,
      torn: [{ file: torn.path, bytes: expect.any(Number) }],
    })
    // What was torn off is under the signature too.
    cut[cut.length - 1] = (cut.at(-1) ?? 0) ^ 1
    await writeFile(torn.path, cut)
    expect(await verifyDirectory(directory)).toMatchObject({ outcome: 'bad', first: { file: torn.path } })
  })

  it('goes on whatever the last write left: any cut, and zeros or rubbish behind it', async () => {
    await writtenLog({ directory: home.join('first') }, 4)
    const [whole] = await logFiles(home.join('first'))
    const header = (whole?.text.split('\n', 1)[0]?.length ?? 0) + 1
    const tails = fc.constantFrom('', '\0'.repeat(5000), '{"a":1}\n', 'x'.repeat(70_000), '\n\n')
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.nat(), tails, async (at, tail) => {
        const copy = home.join(`cut-${run++}`)
        await cp(home.join('first'), copy, { recursive: true })
        const [file] = await logFiles(copy)
        const size = Buffer.byteLength(file?.text ?? '')
        await truncate(file?.path ?? '', header + (at % (size - header + 1)))
        await appendFile(file?.path ?? '', tail)
        await writtenLog({ directory: copy }, 2)
        expect(await verifyDirectory(copy)).toMatchObject({ outcome: 'verified', first: undefined })
      }),
      { numRuns: 60 },
    )
  })

  it('does not call torn what was changed: signed lines follow it', async () => {
    await writtenLog({ directory }, 10)
    const file = await lastFile()
    const lines = file.text.split('\n')
    await writeFile(file.path, lines.with(5, lines[5]?.replace('object', 'Object') ?? '').join('\n'))
    const { log, troubles } = await testLog({ directory })
    await log.close()
    expect(troubles).toEqual([expect.stringContaining('WAS CHANGED')])
    expect(await verifyDirectory(directory)).toMatchObject({ outcome: 'bad', first: { file: file.path, line: 6 } })
  })

  it('refuses to go on from a file that does not begin as one', async () => {
    await writtenLog({ directory }, 1)
    const file = await lastFile()
    await writeFile(file.path, file.text.replace('"file":1', '"file":2'))
    await expect(testLog({ directory })).rejects.toMatchObject({ code: 'AuditLogDamaged' })
    expect((await lastFile()).text).toContain('"file":2')
  })

  it('sweeps away the draft of a file that it was making', async () => {
    await writtenLog({ directory }, 1)
    const draft = home.join('audit', 'audit-0000000002.jsonl.11111111-1111-4111-8111-111111111111.tmp')
    await writeFile(draft, 'half')
    await writtenLog({ directory }, 1)
    await expect(stat(draft)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('the bound on the disk', () => {
  const sizes = { fileBytes: 4000, maxBytes: 12_000 }

  it('removes whole files, the oldest first, and says so under a signature', async () => {
    await writtenLog({ directory, ...sizes }, 200)
    const files = await logFiles(directory)
    expect(files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)).toBeLessThanOrEqual(13_000)
    const report = await verifyDirectory(directory)
    expect(report).toMatchObject({ outcome: 'verified', dropped: { throughSeq: report.fromSeq - 1 } })
    expect(report.fromSeq).toBeGreaterThan(100)
    // The next run stays in the bound as well.
    await writtenLog({ directory, ...sizes }, 20)
    expect(await verifyDirectory(directory)).toMatchObject({ outcome: 'verified' })
  })

  it('holds for a bound that was lowered, from the next start on', async () => {
    await writtenLog({ directory, fileBytes: 4000, maxBytes: 10 ** 6 }, 100)
    await runUntil({ directory, ...sizes }, () => saysDropped(directory))
    const files = await logFiles(directory)
    expect(files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)).toBeLessThanOrEqual(13_000)
    expect(await verifyDirectory(directory)).toMatchObject({ outcome: 'verified' })
  })

  it('is no cover for removing more: the missing lines are named', async () => {
    await writtenLog({ directory, ...sizes }, 200)
    const [first, second] = await logFiles(directory)
    await nodeFs.unlink(first?.path ?? '')
    expect(await verifyDirectory(directory)).toMatchObject({
      outcome: 'bad',
      first: { file: second?.path, line: 1, problem: expect.stringContaining('missing') },
    })
  })

  it('is no cover for whoever says so himself while no server runs, and has the next one sign it', async () => {
    await writtenLog({ directory, fileBytes: 4000, maxBytes: 10 ** 6 }, 60)
    const [first, second] = await logFiles(directory)
    const last = await lastFile()
    const [head] = (await recordsOf(directory)).slice(-1)
    const begins: Record<string, unknown> = JSON.parse(second?.text.split('\n')[0] ?? '')
    const chain = chainFrom({ seq: Number(head?.['seq']), hash: String(head?.['hash']) }, 0, KEY)
    const through = { throughFile: 1, throughSeq: Number(begins['seq']) - 1, throughHash: String(begins['prev']) }
    await appendFile(last.path, chain.own({ type: 'dropped', ...through, files: 1, bytes: 4000 }, Date.UTC(2030, 0, 2)))
    await nodeFs.unlink(first?.path ?? '')
    await writtenLog({ directory, fileBytes: 4000, maxBytes: 10 ** 6 }, 1)
    expect(await verifyDirectory(directory)).toMatchObject({
      outcome: 'bad',
      first: { file: second?.path, line: 1, problem: expect.stringContaining('missing') },
    })
  })

  it('passes when a crash came between saying so and removing', async () => {
    await writtenLog({ directory, fileBytes: 4000, maxBytes: 10 ** 6 }, 60)
    await cp(directory, home.join('before'), { recursive: true })
    await runUntil({ directory, ...sizes }, () => saysDropped(directory))
    const gone = (await logFiles(home.join('before'))).slice(1)
    for (const { path, text } of gone) {
      const here = path.replace('before', 'audit')
      if ((await stat(here).catch(() => undefined)) === undefined) await writeFile(here, text)
    }
    expect(await verifyDirectory(directory)).toMatchObject({ outcome: 'verified' })
  })
})

describe('a disk that takes no more', () => {
  const errno = (code: string) => Object.assign(new Error(code), { code })
  const brokenBy = (fault: () => string | undefined, half = false): DiskFs => ({
    ...nodeFs,
    writev: async (fd, buffers, position) => {
      const code = fault()
      if (code === undefined) return nodeFs.writev(fd, buffers, position)
      if (half) await nodeFs.writev(fd, [Buffer.concat(buffers).subarray(0, 50)], position)
      throw errno(code)
    },
  })

  it('lets nothing be done that cannot be recorded, and goes on by itself when there is space', async () => {
    let full = false
    const disk = brokenBy(() => (full ? 'ENOSPC' : undefined), true)
    const { log, troubles, failures } = await testLog({ directory, disk })
    log.record(event(1))
    await log.settled()
    full = true
    log.record(event(2))
    await expect(log.settled()).rejects.toMatchObject({ code: 'AuditUnavailable' })
    expect(() => log.ready()).toThrow(expect.objectContaining({ code: 'AuditUnavailable' }))
    expect(log.writable()).toBe(false)
    // It was under way when the disk filled up.
    log.record(event(3))
    await expect(log.settled()).rejects.toMatchObject({ code: 'AuditUnavailable' })
    full = false
    await expect.poll(() => log.writable()).toBe(true)
    log.ready()
    await log.settled()
    await log.close()
    expect(troubles).toHaveLength(1)
    expect(failures).toEqual([])
    expect((await eventsOf()).map(({ object }) => object)).toEqual(['object 1 Ω', 'object 2 Ω', 'object 3 Ω'])
    expect(await verifyDirectory(directory)).toMatchObject({ outcome: 'verified' })
  })

  it('says how many events it could not keep', async () => {
    let full = false
    const { log } = await testLog({ directory, disk: brokenBy(() => (full ? 'EDQUOT' : undefined)), maxBytes: 10 ** 9 })
    full = true
    log.record(event())
    await log.settled().catch(() => {})
    for (let n = 0; n < 100_010; n++) log.record({ kind: 'iam', action: 'a', outcome: 'failure' })
    full = false
    await expect.poll(() => log.writable(), { timeout: 20_000 }).toBe(true)
    await log.close()
    const report = await verifyDirectory(directory)
    expect(report).toMatchObject({ outcome: 'verified', lostEvents: 10 })
  })

  it('closes without its end when the disk stays full, and the next run goes on', async () => {
    let full = false
    const { log } = await testLog({ directory, disk: brokenBy(() => (full ? 'ENOSPC' : undefined), true) })
    full = true
    log.record(event())
    await log.settled().catch(() => {})
    await log.close()
    await writtenLog({ directory }, 1)
    expect(await verifyDirectory(directory)).toMatchObject({ outcome: 'verified' })
  })

  it('is given up, for good, when it fails in any other way', async () => {
    let broken = false
    const { log, failures } = await testLog({ directory, disk: brokenBy(() => (broken ? 'EIO' : undefined)) })
    broken = true
    log.record(event())
    await expect(log.settled()).rejects.toMatchObject({ code: 'AuditUnavailable' })
    await expect.poll(() => failures).toEqual([expect.objectContaining({ code: 'EIO' })])
    broken = false
    expect(() => log.ready()).toThrow()
    await log.close()
  })
})
