import { createHash } from 'node:crypto'
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { CreateBucketCommand, GetObjectCommand, PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SPACE } from '../../src/objects/keyspace.ts'
import { salvageCommand } from '../../src/server/commands/salvage.ts'
import { openShim, shimMissing } from '../faults/harness/shim.ts'
import { runCommand } from '../support/coffer-command.ts'
import { contentBytes } from '../support/content.ts'
import { filesUnder } from '../support/files-under.ts'
import { startHouse } from '../support/house.ts'
import { flipped, type StoredRow, withRows } from '../support/level-rows.ts'
import { outcome } from '../support/outcome.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { topology } from '../support/topology.ts'
import { verified } from '../support/verified.ts'

const KEYS = Array.from({ length: 60 }, (_, at) => `key ${String(at).padStart(3, '0')}`)
const CLASSED = KEYS.slice(0, 12)
const bytesOf = (key: string) => contentBytes(key, key.endsWith('0') ? 300_000 : 700)

const missing = shimMissing()
let directory: string
beforeAll(async () => {
  if (topology.split) return
  const house = await startHouse()
  const s3 = house.client()
  for (const Bucket of ['plain', 'versioned']) await s3.send(new CreateBucketCommand({ Bucket }))
  for (const Key of KEYS) await s3.send(new PutObjectCommand({ Bucket: 'plain', Key, Body: bytesOf(Key) }))
  const VersioningConfiguration = { Status: 'Enabled' as const }
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration }))
  for (const Body of ['one', 'two']) await s3.send(new PutObjectCommand({ Bucket: 'versioned', Key: 'v', Body }))
  await house.stop()
  // LevelDB makes tables of the logs.
  for (const store of ['iam', 'kms', 'metadata']) await withRows(join(house.dataDir, store), async () => {})
  directory = house.directory
})
afterAll(async () => {
  if (!topology.split) await rm(directory, { recursive: true, force: true })
})

async function run(dataDir: string, ...args: readonly string[]) {
  const [out, err] = [new PassThrough({ encoding: 'utf8' }), new PassThrough({ encoding: 'utf8' })]
  const texts = [out, err].map(async (stream) => (await stream.toArray()).join(''))
  const status = await salvageCommand([`--data-dir=${dataDir}`, '--json', ...args], { out, err })
  out.end()
  err.end()
  const [output = '', errors = ''] = await Promise.all(texts)
  const lines = output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
  return { status, errors, lines, summary: lines.find(({ type }) => type === 'summary') }
}

async function digestsUnder(dataDir: string): Promise<Map<string, string>> {
  const files = await filesUnder(dataDir)
  return new Map([...files].map(([path, bytes]) => [path, createHash('sha256').update(bytes).digest('hex')]))
}

/** A damaged copy, and what was made of it, in a directory that a house can be opened on. */
async function salvaged(harm: (dataDir: string) => Promise<unknown>, ...args: readonly string[]) {
  const scope = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'coffer-salvage-'))
  scope.defer(() => rm(home, { recursive: true, force: true }))
  await cp(directory, join(home, 'old'), { recursive: true })
  await cp(join(directory, 'data.key'), join(home, 'new', 'data.key'), { recursive: true })
  const dataDir = join(home, 'old', 'data')
  await harm(dataDir)
  const before = await digestsUnder(dataDir)
  const done = await run(dataDir, `--to=${join(home, 'new', 'data')}`, ...args)
  const after = await digestsUnder(dataDir)
  for (const files of [before, after]) files.delete(join(dataDir, 'coffer.pid'))
  // Nothing of the original is changed.
  expect(after).toEqual(before)
  return { ...done, dataDir, directory: join(home, 'new'), [Symbol.asyncDispose]: () => scope.disposeAsync() }
}

async function reads(directory: string): Promise<{ readonly good: number; readonly gone: number }> {
  await using house = await startHouse({ directory })
  let [good, gone] = [0, 0]
  for (const Key of KEYS) {
    const read = house.client().send(new GetObjectCommand({ Bucket: 'plain', Key }))
    if ((await outcome(read)) === '404 NoSuchKey') {
      gone++
      continue
    }
    expect(Buffer.from((await (await read).Body?.transformToByteArray()) ?? []).equals(bytesOf(Key))).toBe(true)
    good++
  }
  return { good, gone }
}

const tableIn = async (dataDir: string): Promise<string> => {
  const names = (await readdir(join(dataDir, 'metadata'))).filter((name) => name.endsWith('.ldb')).sort()
  return join(dataDir, 'metadata', names.at(-1) ?? '')
}
/** Behind the id of the bucket, which is random. */
const rowOf = (space: number, text: string) => (row: StoredRow) =>
  row.key[0] === space && row.key.subarray(17).includes(text)
const harmRow = (wanted: (row: StoredRow) => boolean) => (dataDir: string) =>
  withRows(join(dataDir, 'metadata'), async ({ all, remove }) => {
    const chosen = all.filter(wanted)
    expect(chosen.length).toBeGreaterThan(0)
    for (const { key } of chosen) await remove(key)
  })

describe.skipIf(topology.split)('coffer salvage', () => {
  it('makes of what is whole a copy that serves, and is whole', async () => {
    await using done = await salvaged(async () => {})
    expect(done).toMatchObject({ status: 0, errors: '', summary: { findings: 0, losses: 0 } })
    expect(done.summary.repaired).toEqual({ owners: 0, histories: 0, counters: 0 })
    expect(await verified(join(done.directory, 'data'))).toMatchObject({ status: 0, findings: [] })
    expect(await reads(done.directory)).toEqual({ good: KEYS.length, gone: 0 })
    // What is removed there is not removed here.
    await rm(join(done.directory, 'data', 'blobs'), { recursive: true })
    expect(await verified(done.dataDir)).toMatchObject({ status: 0, findings: [] })
  })

  it('a table with a bad byte, which no server opens: all but a few rows, and the names of the lost ones', async () => {
    await using done = await salvaged(async (dataDir) => {
      const table = await tableIn(dataDir)
      const value = await withRows(
        join(dataDir, 'metadata'),
        async ({ all }) => all.find(rowOf(SPACE.head, 'key 030'))?.value,
      )
      const bytes = await readFile(table)
      const at = bytes.indexOf(value ?? 'nothing')
      expect(at).toBeGreaterThan(0)
      await writeFile(table, flipped(bytes, at + 60))
    })
    expect(done.status).toBe(3)
    const kinds = new Set(done.lines.map(({ kind, type }) => kind ?? type))
    expect(kinds).toContain('table-damaged')
    expect(kinds).toContain('loss')
    const { good, gone } = await reads(done.directory)
    expect(good + gone).toBe(KEYS.length)
    expect(gone).toBe(1)
    const named = done.lines.filter(({ kind }) => kind === 'owner-orphan').map(({ key }) => key)
    expect(named).toEqual(['key 030'])
    const after = await verified(join(done.directory, 'data'))
    expect(after.findings.every(({ kind }) => kind === 'owner-orphan')).toBe(true)
  })

  it('a table that is gone: nothing is left of it, and that is what it says', async () => {
    await using done = await salvaged(async (dataDir) => unlink(await tableIn(dataDir)))
    expect(done.status).toBe(3)
    expect(done.lines).toContainEqual(
      expect.objectContaining({ type: 'loss', loss: 'range', store: 'metadata', file: expect.stringMatching(/ldb$/) }),
    )
  })

  it('rights of which a newer state may be lost are left out, unless they are asked for', async () => {
    const loseNewer = async (dataDir: string) => {
      const iam = join(dataDir, 'iam')
      const tables = async () => (await readdir(iam)).filter((name) => name.endsWith('.ldb')).sort()
      const before = await tables()
      // A row is written once more, and the table that has the newer state is lost.
      await withRows(iam, async ({ all, put }) => {
        const row = all.find(({ key }) => key[0] === 66)
        if (row) await put(row.key, row.value)
      })
      await withRows(iam, async () => {})
      const newer = (await tables()).filter((name) => !before.includes(name))
      expect(newer).toHaveLength(1)
      await unlink(join(iam, newer[0] ?? ''))
    }
    {
      await using done = await salvaged(loseNewer)
      expect(done).toMatchObject({ status: 3, summary: { stores: { iam: { leftOut: 1, doubtful: 1 } } } })
      expect(done.lines).toContainEqual(expect.objectContaining({ type: 'loss', loss: 'left-out', store: 'iam' }))
    }
    await using done = await salvaged(loseNewer, '--keep-doubtful')
    expect(done.summary.stores.iam).toMatchObject({ leftOut: 0, doubtful: 1 })
    expect(await reads(done.directory)).toEqual({ good: KEYS.length, gone: 0 })
  })

  it('CURRENT is gone: all is there again', async () => {
    await using done = await salvaged((dataDir) => unlink(join(dataDir, 'metadata', 'CURRENT')))
    expect(done.lines[0]).toMatchObject({ kind: 'store-missing' })
    expect(await reads(done.directory)).toEqual({ good: KEYS.length, gone: 0 })
  })

  it('writes anew what follows from other rows', async () => {
    const isCounter = ({ key }: StoredRow) => key[0] === 0xff && key[1] === 0x63 && key[2] === 10
    const lost = (row: StoredRow) => row.key[0] === SPACE.blob || rowOf(SPACE.history, 'v')(row) || isCounter(row)
    await using done = await salvaged(harmRow(lost))
    expect(done.summary.repaired).toEqual({ owners: 62, histories: 1, counters: expect.any(Number) })
    expect(done.summary.repaired.counters).toBeGreaterThan(0)
    expect(await verified(join(done.directory, 'data'))).toMatchObject({ status: 0, findings: [] })
    expect(await reads(done.directory)).toEqual({ good: KEYS.length, gone: 0 })
  })

  it.skipIf(missing !== undefined)(
    `copies of a pack what the disk can still read (${missing ?? 'with cc'})`,
    async () => {
      await using home = await temporaryDirectory()
      await cp(directory, home.join('old'), { recursive: true })
      using shim = openShim(home.join('old'), home.path)
      // By the kernel in two or three ways, then all at once, and then some of the first blocks.
      const error = { action: 'fail', argument: 'EIO', times: 6 } as const
      shim.rules([{ ...error, ops: ['read'], place: 'data/blobs/*/p/*' }])
      const to = home.join('new', 'data')
      const { status, out } = await runCommand(
        ['salvage', `--data-dir=${home.join('old', 'data')}`, `--to=${to}`, '--json'],
        shim.environment,
      )
      expect([status, shim.fired()]).toEqual([3, 6])
      const lines = out
        .trim()
        .split('\n')
        .map((line): Record<string, unknown> => JSON.parse(line))
      expect(lines).toContainEqual(
        expect.objectContaining({
          ...{ kind: 'content-unreadable', file: expect.stringMatching(/^blobs\/.*\/p\//) },
          damage: expect.stringMatching(/cannot read (4096|8192|12288|16384) bytes/),
        }),
      )
      await cp(home.join('old', 'data.key'), home.join('new', 'data.key'))
      // Those whose bytes lie there; the other 50 or so of that pack are there.
      const { findings } = await verified(to)
      const lost = findings.map(({ key }) => key)
      expect(findings.every(({ kind }) => kind.startsWith('content-') || kind.startsWith('manifest-'))).toBe(true)
      expect(lost.length).toBeGreaterThan(0)
      expect(lost.length).toBeLessThan(25)
      await using house = await startHouse({ directory: home.join('new') })
      for (const Key of KEYS.filter((key) => !lost.includes(key))) {
        const { Body } = await house.client().send(new GetObjectCommand({ Bucket: 'plain', Key }))
        expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(bytesOf(Key))).toBe(true)
      }
    },
  )

  it('leaves storage classes where they are, and what lies in them is there again', async () => {
    await using home = await temporaryDirectory()
    const settings = { COFFER_STORAGE_CLASSES: `GLACIER=${home.join('slow')}` }
    const stored = { Bucket: 'classed', StorageClass: 'GLACIER' } as const
    await mkdir(home.join('old'))
    {
      await using house = await startHouse({ directory: home.join('old'), settings })
      const s3 = house.client()
      await s3.send(new CreateBucketCommand({ Bucket: 'classed' }))
      for (const Key of CLASSED) await s3.send(new PutObjectCommand({ ...stored, Key, Body: bytesOf(Key) }))
    }
    await withRows(home.join('old', 'data', 'metadata'), async () => {})
    const before = await digestsUnder(home.join('slow'))
    await unlink(join(home.join('old', 'data', 'metadata', 'CURRENT')))
    const done = await run(home.join('old', 'data'), `--to=${home.join('new', 'data')}`)
    expect(done.lines[0]).toMatchObject({ kind: 'store-missing' })
    expect(await digestsUnder(home.join('slow'))).toEqual(before)
    await cp(home.join('old', 'data.key'), home.join('new', 'data.key'))
    await using house = await startHouse({ directory: home.join('new'), settings })
    for (const Key of CLASSED) {
      const { Body, StorageClass } = await house.client().send(new GetObjectCommand({ Bucket: 'classed', Key }))
      expect(StorageClass).toBe('GLACIER')
      expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(bytesOf(Key))).toBe(true)
    }
  })

  it.each([
    [[], 'UsageError'],
    [['--to=/dev/null/x'], 'ENOTDIR'],
  ])('called with %s ends with 2', async (args, code) => {
    const { status, errors } = await run(join(directory, 'data'), ...args)
    expect([status, errors.includes(code)]).toEqual([2, true])
  })

  it('writes over nothing', async () => {
    const to = await mkdtemp(join(tmpdir(), 'coffer-salvage-'))
    await appendFile(join(to, 'file'), 'x')
    expect(await run(join(directory, 'data'), `--to=${to}`)).toMatchObject({
      status: 2,
      errors: expect.stringContaining('SalvageRefused'),
    })
    expect(await readdir(to)).toEqual(['file'])
    const inside = join(directory, 'data', 'blobs', 'x')
    expect((await run(join(directory, 'data'), `--to=${inside}`)).errors).toContain('SalvageRefused')
    await rm(to, { recursive: true })
  })
})
