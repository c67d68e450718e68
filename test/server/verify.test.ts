import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SPACE } from '../../src/objects/keyspace.ts'
import { contentBytes } from '../support/content.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { keyOwner } from '../support/keys.ts'
import { flipped, type StoredRow, withRows } from '../support/level-rows.ts'
import { ownCommand } from '../support/own-command.ts'
import { sendRaw } from '../support/raw-s3.ts'
import { type BlobPlace, blobsAddedBy, flipAt, writeAt } from '../support/stored-blobs.ts'
import { topology } from '../support/topology.ts'
import { placeOf, verified } from '../support/verified.ts'

const SEGMENT = 65_536 + 16
const PART = 5 * 1024 * 1024
const LARGE = 5 * 65_536 + 1000
const BUCKET = 'plain'

/** A stopped server's directory, and where each object lies in it. */
let directory: string
const blobs = new Map<string, readonly BlobPlace[]>()
const versions = new Map<string, string>()
let uploadId = ''
let keyId = ''

async function kept(test: TestHouse, name: string, work: () => Promise<unknown>): Promise<void> {
  blobs.set(name, await blobsAddedBy(test, work))
}

beforeAll(async () => {
  if (topology.split) return
  await using test = await startHouse()
  const s3 = test.client()
  const put = async (Key: string, Body: Buffer, more: Partial<PutObjectCommandInput> = {}) => {
    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ...more }))
    if (VersionId !== undefined) versions.set(Key, VersionId)
  }
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
  await kept(test, 'small', () => put('small', contentBytes('small', 3000), { Tagging: 'a=b' }))
  await kept(test, 'other', () => put('other', contentBytes('other', 3000)))
  await kept(test, 'large', () => put('large', contentBytes('large', LARGE)))
  await kept(test, 'large too', () => put('large too', contentBytes('large too', LARGE)))
  await kept(test, 'empty', () => put('empty', Buffer.alloc(0)))
  await kept(test, 'twice', () => put('twice', contentBytes('twice', LARGE), { ServerSideEncryption: 'aws:kms:dsse' }))
  const parts = { Bucket: BUCKET, Key: 'parts' }
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand(parts))
  await kept(test, 'parts', async () => {
    const Parts: CompletedPart[] = []
    for (const PartNumber of [1, 2]) {
      const Body = contentBytes(`part ${PartNumber}`, PART)
      const { ETag } = await s3.send(new UploadPartCommand({ ...parts, UploadId, PartNumber, Body }))
      Parts.push({ PartNumber, ETag })
    }
    await s3.send(new CompleteMultipartUploadCommand({ ...parts, UploadId, MultipartUpload: { Parts } }))
  })
  const upload = await s3.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: 'upload' }))
  uploadId = upload.UploadId ?? ''
  await kept(test, 'upload', () =>
    s3.send(
      new UploadPartCommand({
        Bucket: BUCKET,
        Key: 'upload',
        UploadId: uploadId,
        PartNumber: 7,
        Body: Buffer.alloc(300_000),
      }),
    ),
  )
  await s3.send(new CreateBucketCommand({ Bucket: 'versioned' }))
  const VersioningConfiguration = { Status: 'Enabled' as const }
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration }))
  for (const name of ['first', 'second']) {
    await kept(test, name, async () => {
      const { VersionId } = await s3.send(new PutObjectCommand({ Bucket: 'versioned', Key: 'v', Body: name }))
      versions.set(name, VersionId ?? '')
    })
  }
  await s3.send(new PutObjectCommand({ Bucket: 'versioned', Key: 'gone', Body: 'gone' }))
  await s3.send(new DeleteObjectCommand({ Bucket: 'versioned', Key: 'gone' }))
  const owner = await keyOwner(test.controlUrl)
  const key = await owner.newKey('customer')
  keyId = key.id
  const headers = { 'ibm-sse-kp-encryption-algorithm': 'AES256', 'ibm-sse-kp-customer-root-key-crn': key.crn }
  expect((await sendRaw(test.s3Url, { method: 'PUT', path: '/customer', headers })).status).toBe(200)
  await kept(test, 'customer', () =>
    s3.send(new PutObjectCommand({ Bucket: 'customer', Key: 'customer', Body: 'mine' })),
  )
  await owner.act(keyId, 'disable')
  await test.stop()
  directory = await mkdtemp(join(tmpdir(), 'coffer-verify-'))
  await cp(test.directory, directory, { recursive: true })
  for (const [name, places] of blobs) {
    blobs.set(
      name,
      places.map((place) => ({ ...place, path: join(directory, relative(test.directory, place.path)) })),
    )
  }
})
afterAll(async () => {
  if (!topology.split) await rm(directory, { recursive: true, force: true })
})

/** A copy of the directory with something done to it, and what is found then: kinds and places, without words. */
async function found(harm: (home: Damaged) => Promise<unknown>, ...args: readonly string[]) {
  const copy = await mkdtemp(join(tmpdir(), 'coffer-verify-'))
  try {
    await cp(directory, copy, { recursive: true })
    const at = ({ path, ...place }: BlobPlace): BlobPlace => ({ ...place, path: join(copy, relative(directory, path)) })
    const blob = (name: string, index = 0): BlobPlace => {
      const place = blobs.get(name)?.[index]
      if (!place) throw new Error(`there is no blob ${index} of ${name}`)
      return at(place)
    }
    const dataDir = join(copy, 'data')
    await harm({ dataDir, blob })
    const { status, findings, summary, errors } = await verified(dataDir, ...args)
    expect(errors).toBe('')
    expect(status).toBe(findings.length > 0 ? 7 : 0)
    expect(summary.findings).toBe(findings.length)
    for (const { advice, damage } of findings) expect([advice, damage].every((text) => text.length > 10)).toBe(true)
    return {
      places: findings.map(placeOf),
      findings,
      summary,
      fileOf: (place: BlobPlace) => relative(dataDir, place.path),
    }
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

interface Damaged {
  readonly dataDir: string
  readonly blob: (name: string, index?: number) => BlobPlace
}

const fileOf = (name: string, index = 0): string => {
  const place = blobs.get(name)?.[index]
  return place ? relative(join(directory, 'data'), place.path) : ''
}

async function swap(one: BlobPlace, other: BlobPlace): Promise<void> {
  const [a, b] = [await readFile(one.path), await readFile(other.path)]
  const first = Buffer.from(a.subarray(one.start, one.start + one.lengthBytes))
  const second = Buffer.from(b.subarray(other.start, other.start + other.lengthBytes))
  await writeAt(one, 0, second)
  await writeAt(other, 0, first)
}

/** Behind the id of the bucket, which is random. */
const rowOf = (space: number, text: string) => (row: StoredRow) =>
  row.key[0] === space && row.key.subarray(space === SPACE.bucket ? 1 : 17).includes(text)

const harmRow = (store: string, wanted: (row: StoredRow) => boolean, at: number | 'remove') => (home: Damaged) =>
  withRows(join(home.dataDir, store), async ({ all, put, remove }) => {
    const chosen = all.filter(wanted)
    expect(chosen.length).toBeGreaterThan(0)
    for (const { key, value } of chosen) await (at === 'remove' ? remove(key) : put(key, flipped(value, at)))
  })

describe.skipIf(topology.split)('coffer verify', () => {
  it('finds nothing where nothing is wrong, and counts what may not be opened now', async () => {
    const { status, findings, summary, errors } = await verified(join(directory, 'data'), '--checksums')
    expect([findings, errors]).toEqual([[], ''])
    expect(status).toBe(0)
    expect(summary).toMatchObject({ complete: true, objects: 11, deleteMarkers: 1, uploads: 1, findings: 0 })
    expect(summary.notOpenable).toEqual({ RootKeyDisabled: 1 })
    expect(summary.orphans).toEqual({ blobs: 0, bytes: 0 })
    const keyless = await verified(join(directory, 'data'), '--without-keys')
    expect(keyless).toMatchObject({ status: 0, findings: [], errors: '' })
    expect(keyless.summary).toMatchObject({ complete: true, mode: 'without-keys', blobs: 13 })
  })

  const NAMES = ['small', 'large', 'empty', 'twice'] as const
  const version = (key: string) => ({ bucket: BUCKET, key, versionId: 'null', file: fileOf(key) })

  describe.each(NAMES)('of the stored bytes of %s', (name) => {
    it.each([
      ['magic', 0, 'content-damaged'],
      ['segment size', 6, 'content-damaged'],
      ['flags', 7, 'content-damaged'],
      ['envelope id', 8, 'content-exchanged'],
      ['part number', 27, 'content-exchanged'],
      ['reserved bytes', 28, 'content-damaged'],
      ['part salt', 32, 'content-exchanged'],
      ['commitment', 48, 'content-damaged'],
      ['first byte of a segment', 80, 'content-damaged'],
      ['last byte of a tag', -1, 'content-damaged'],
    ])('a flipped bit in the %s is found, and nothing else', async (_, offset, kind) => {
      const { places } = await found(async ({ blob }) => {
        const place = blob(name)
        await flipAt(place, offset < 0 ? place.lengthBytes + offset : offset)
      })
      expect(places).toEqual([{ kind, ...version(name) }])
    })
  })

  it('every damaged segment is named, with the place of the first in the content', async () => {
    const { findings } = await found(async ({ blob }) => {
      await flipAt(blob('large'), 80 + 2 * SEGMENT + 5)
      await flipAt(blob('large'), 80 + 5 * SEGMENT + 900)
    })
    expect(findings).toMatchObject([{ kind: 'content-damaged', damage: expect.stringContaining('segments 2, 5 of 6') }])
    expect(findings[0]?.damage).toContain(`byte ${2 * 65_536} `)
  })

  it.each([
    ['length', -8, 'content-damaged'],
    ['magic', -16, 'content-damaged'],
    ['checksum', -1, 'content-damaged'],
  ])('a flipped bit in the %s of the header of a record of a pack is found', async (_, offset, kind) => {
    const harm = ({ blob }: Damaged) => flipAt(blob('small'), offset)
    expect((await found(harm)).places).toEqual([{ kind, ...version('small') }])
    expect((await found(harm, '--without-keys')).places).toEqual([{ kind, file: fileOf('small') }])
  })

  it('a record of a pack that is marked as removed is missing', async () => {
    const harm = ({ blob }: Damaged) => writeAt(blob('small'), -11, Buffer.of(0xff))
    expect((await found(harm)).places).toEqual([{ kind: 'content-missing', ...version('small') }])
    expect((await found(harm, '--without-keys')).places).toEqual([{ kind: 'content-missing', file: fileOf('small') }])
  })

  it('a file that is gone, and a pack that is gone with all that is in it', async () => {
    const file = ({ blob }: Damaged) => unlink(blob('large').path)
    expect((await found(file)).places).toEqual([{ kind: 'content-missing', ...version('large') }])
    expect((await found(file, '--without-keys')).places).toEqual([{ kind: 'content-missing', file: fileOf('large') }])
    const { places } = await found(({ blob }) => unlink(blob('small').path))
    const keys = places.map((place) => ('key' in place ? place.key : ''))
    expect(keys.sort()).toEqual(['customer', 'empty', 'gone', 'other', 'small', 'v', 'v'])
    expect(new Set(places.map((place) => ('kind' in place ? place.kind : '')))).toEqual(new Set(['content-missing']))
  })

  it.each([0, 10, 79, 80, LARGE])('a file that is cut short to %d bytes', async (bytes) => {
    const cut = ({ blob }: Damaged) => truncate(blob('large').path, bytes)
    const { places, findings } = await found(cut)
    expect(places).toEqual([{ kind: bytes === 0 ? 'content-damaged' : 'content-cut', ...version('large') }])
    expect(findings[0]?.damage).toMatch(/./)
  })

  it('a file with bytes too many', async () => {
    const { places } = await found(async ({ blob }) => writeFile(blob('large').path, 'x', { flag: 'a' }))
    expect(places).toEqual([{ kind: 'content-damaged', ...version('large') }])
  })

  it.each([
    ['small', 'other'],
    ['large', 'large too'],
  ] as const)('%s and %s that were exchanged', async (one, other) => {
    const { places } = await found(({ blob }) => swap(blob(one), blob(other)))
    expect(places).toEqual([one, other].sort().map((key) => ({ kind: 'content-exchanged', ...version(key) })))
  })

  it('parts of an object, and of an upload', async () => {
    const damagedPart = await found(({ blob }) => flipAt(blob('parts', 1), 80 + 3 * SEGMENT))
    expect(damagedPart.places).toEqual([
      { kind: 'content-damaged', ...version('parts'), part: 2, file: fileOf('parts', 1) },
    ])
    const exchanged = await found(({ blob }) => swap(blob('parts', 0), blob('parts', 1)))
    expect(exchanged.places).toEqual(
      [1, 2].map((part) => ({ kind: 'content-exchanged', ...version('parts'), part, file: fileOf('parts', part - 1) })),
    )
    const ofUpload = await found(({ blob }) => flipAt(blob('upload'), 1000))
    expect(ofUpload.places).toEqual([
      { kind: 'content-damaged', bucket: BUCKET, key: 'upload', uploadId, part: 7, file: fileOf('upload') },
    ])
  })

  it('an older version, under its id', async () => {
    const { places } = await found(({ blob }) => flipAt(blob('first'), 90))
    const versionId = versions.get('first')
    expect(places).toEqual([
      { kind: 'content-damaged', bucket: 'versioned', key: 'v', versionId, file: fileOf('first') },
    ])
  })

  it('what lies under a disabled key is looked at as far as that goes without it', async () => {
    const beyond = await found(({ blob }) => flipAt(blob('customer'), 90))
    expect(beyond.places).toEqual([])
    const { places, summary } = await found(({ blob }) => flipAt(blob('customer'), 9))
    expect(places).toMatchObject([{ kind: 'content-exchanged', bucket: 'customer', key: 'customer' }])
    expect(summary.notOpenable).toEqual({ RootKeyDisabled: 1 })
  })

  it.each([
    ['a head', SPACE.head, 'small', -1, [{ kind: 'record-damaged', bucket: BUCKET, key: 'small' }]],
    ['a history', SPACE.history, 'v', -1, [{ kind: 'history-wrong', bucket: 'versioned', key: 'v' }]],
    ['an upload', SPACE.upload, 'upload', -1, [{ kind: 'record-damaged', bucket: BUCKET, key: 'upload' }]],
  ] as const)('a flipped bit in the row of %s', async (_, space, text, at, expected) => {
    const { places } = await found(harmRow('metadata', rowOf(space, text), at))
    expect(places).toContainEqual(expect.objectContaining(expected[0]))
    const others = places.filter(
      (place) => 'kind' in place && !['counter-wrong', expected[0].kind].includes(String(place.kind)),
    )
    expect(others).toEqual([])
  })

  it('a flipped bit in the record of a bucket: its rows are of no bucket that is known', async () => {
    const { places, summary } = await found(harmRow('metadata', rowOf(SPACE.bucket, BUCKET), -1))
    expect(places).toContainEqual({ kind: 'record-damaged', bucket: BUCKET })
    expect(places.filter((place) => 'kind' in place && place.kind === 'bucket-missing')).toHaveLength(1)
    expect(summary.objects).toBe(4)
  })

  it('rows that are gone', async () => {
    const owner = await found(
      harmRow('metadata', (row) => row.key[0] === SPACE.blob && row.key.includes('/f/'), 'remove'),
    )
    expect(owner.places.map((place) => ('kind' in place ? place.kind : ''))).toEqual(
      expect.arrayContaining(['owner-missing']),
    )
    expect(new Set(owner.places.map((place) => ('kind' in place ? place.kind : '')))).toEqual(
      new Set(['owner-missing', 'blob-orphan']),
    )
    const head = await found(harmRow('metadata', rowOf(SPACE.head, 'large too'), 'remove'))
    expect(head.places).toContainEqual({
      kind: 'owner-orphan',
      bucket: BUCKET,
      key: 'large too',
      file: fileOf('large too'),
    })
    expect(head.places).toContainEqual({ kind: 'counter-wrong', bucket: BUCKET })
    const ofParts = await found(harmRow('metadata', rowOf(SPACE.head, 'parts'), 'remove'))
    expect(ofParts.places).toContainEqual({ kind: 'part-orphan' })
    const part = await found(harmRow('metadata', (row) => row.key[0] === SPACE.part && row.key.at(-1) === 2, 'remove'))
    expect(part.places).toContainEqual({
      kind: 'part-missing',
      bucket: BUCKET,
      key: 'parts',
      versionId: 'null',
      part: 2,
    })
    const current = await found(harmRow('metadata', rowOf(SPACE.head, 'v'), 'remove'))
    expect(current.places).toContainEqual({ kind: 'current-missing', bucket: 'versioned', key: 'v' })
    const history = await found(harmRow('metadata', rowOf(SPACE.history, 'v'), 'remove'))
    expect(history.places).toEqual([{ kind: 'history-wrong', bucket: 'versioned', key: 'v' }])
  })

  it('a counter that is wrong', async () => {
    const isCounter = ({ key }: StoredRow) => key[0] === 0xff && key[1] === 0x63 && key[2] === 10
    const { places } = await found(harmRow('metadata', isCounter, -1))
    expect(places.length).toBeGreaterThan(0)
    for (const place of places) expect(place).toMatchObject({ kind: 'counter-wrong' })
  })

  it('a root key, and an identity, whose row is damaged', async () => {
    const key = await found(
      harmRow('kms', ({ key: row }) => row[0] === 33 && row.toString('hex', 17, 33) === keyId.replaceAll('-', ''), -1),
    )
    expect(key.places).toEqual([{ kind: 'root-key-damaged' }])
    expect((await found(harmRow('iam', ({ key: row }) => row[0] === 68, -1))).places).toEqual([
      { kind: 'identity-damaged' },
    ])
  })

  describe('of the files of a metadata store', () => {
    const fileIn = async (dataDir: string, pattern: RegExp): Promise<string> => {
      const names = (await readdir(join(dataDir, 'metadata'))).filter((name) => pattern.test(name)).sort()
      const name = names.at(-1)
      if (name === undefined) throw new Error(`there is no file like ${pattern}`)
      return name
    }
    /** LevelDB makes tables of what is in its logs when it opens a store. */
    const withTables = (dataDir: string) => withRows(join(dataDir, 'metadata'), async () => {})
    const change = async (path: string, how: (bytes: Buffer) => Buffer) => writeFile(path, how(await readFile(path)))
    const half = (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)

    it.each([
      ['flipped', (path: string) => change(path, (bytes) => flipped(bytes, 100))],
      ['cut', (path: string) => change(path, half)],
      ['gone', unlink],
    ])('a table that is %s: the store is not opened, and what is said names the file', async (_, harm) => {
      let name = ''
      const harmed = async ({ dataDir }: Damaged) => {
        await withTables(dataDir)
        name = await fileIn(dataDir, /\.(ldb|sst)$/)
        await harm(join(dataDir, 'metadata', name))
      }
      for (const args of [[], ['--without-keys']]) {
        const { places, summary } = await found(harmed, ...args)
        expect(places).toEqual([{ kind: 'table-damaged', file: `metadata/${name}` }])
        expect(summary.unopened).toEqual(['metadata'])
      }
    })

    it('a log that is damaged, with the byte; what is left is looked at all the same', async () => {
      let name = ''
      const { places, summary } = await found(async ({ dataDir }) => {
        name = await fileIn(dataDir, /\.log$/)
        await change(join(dataDir, 'metadata', name), (bytes) => flipped(bytes, Math.floor(bytes.length / 2)))
      })
      expect(places).toContainEqual({ kind: 'log-damaged', file: `metadata/${name}` })
      expect(summary).toMatchObject({ complete: true, unopened: [] })
      expect(summary.objects).toBeGreaterThan(0)
    })

    it('a log that is cut short, which looks whole: the witness tells', async () => {
      let name = ''
      const { places } = await found(async ({ dataDir }) => {
        name = await fileIn(dataDir, /\.log$/)
        await change(join(dataDir, 'metadata', name), half)
      })
      expect(places).toContainEqual({ kind: 'store-cut', file: `metadata/${name}` })
    })

    it('a witness that is damaged', async () => {
      const { places } = await found(({ dataDir }) =>
        change(join(dataDir, 'metadata.witness'), (bytes) => flipped(bytes, 20)),
      )
      expect(places).toEqual([{ kind: 'store-cut', file: 'metadata.witness' }])
    })

    it.each([
      ['CURRENT is gone', /^CURRENT$/, unlink],
      ['the manifest is flipped', /^MANIFEST/, (path: string) => change(path, (bytes) => flipped(bytes, 20))],
      ['the manifest is cut', /^MANIFEST/, (path: string) => change(path, (bytes) => bytes.subarray(0, 30))],
    ] as const)('%s', async (_, pattern, harm) => {
      const { places } = await found(async ({ dataDir }) => {
        await withTables(dataDir)
        await harm(join(dataDir, 'metadata', await fileIn(dataDir, pattern)))
      })
      expect(places).toMatchObject([{ kind: 'store-missing' }])
    })
  })

  it.each(['iam', 'kms', 'metadata'])('is told of %s/ that is not there, and no backup is taken', async (store) => {
    for (const args of [[], ['--without-keys']]) {
      const { places } = await found(({ dataDir }) => rm(join(dataDir, store), { recursive: true }), ...args)
      expect(places).toMatchObject([{ kind: 'store-missing', file: `${store}/` }])
    }
    await found(async ({ dataDir }) => {
      await rm(join(dataDir, store), { recursive: true })
      const backup = await ownCommand(['backup', 'create', `${dataDir}.backup`], { COFFER_DATA_DIR: dataDir })
      expect(backup).toMatchObject({ status: 1, err: expect.stringContaining(`${store}/ is missing`) })
    })
  })

  describe('as a program', () => {
    const MAIN = join(import.meta.dirname, '../../src/server/main.js')
    const dataDir = () => join(directory, 'data')

    it('one that was killed goes on where it was, and tells what it had found before', async () => {
      await using scope = new AsyncDisposableStack()
      const copy = await mkdtemp(join(tmpdir(), 'coffer-verify-'))
      scope.defer(() => rm(copy, { recursive: true, force: true }))
      await cp(directory, copy, { recursive: true })
      const path = blobs.get('large')?.[0]?.path ?? ''
      const place = { path: join(copy, relative(directory, path)), start: 0, lengthBytes: LARGE, packed: false }
      await flipAt(place, 500)
      const state = join(copy, 'state.json')
      const args = ['verify', `--data-dir=${join(copy, 'data')}`, `--state=${state}`, '--mib-per-second=4', '--json']
      // What is killed leaves its scratch directory: in here it goes with the rest.
      const env = { ...process.env, TMPDIR: copy }
      const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'ignore', env })
      scope.defer(() => void child.kill('SIGKILL'))
      while ((await readFile(state, 'utf8').catch(() => '')) === '') {
        expect(child.exitCode).toBeNull()
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      child.kill('SIGKILL')
      await once(child, 'exit')
      const rest = await verified(join(copy, 'data'), `--state=${state}`)
      expect(rest.summary).toMatchObject({ resumed: true, complete: true, objects: 11, uploads: 1, deleteMarkers: 1 })
      expect(rest.findings.map(placeOf)).toEqual([
        { kind: 'content-damaged', bucket: BUCKET, key: 'large', versionId: 'null', file: fileOf('large') },
      ])
      const elsewhere = await verified(dataDir(), `--state=${join(copy, 'data.key')}`)
      expect(elsewhere).toMatchObject({ status: 2, errors: expect.stringContaining('VerifyStateInvalid') })
    })

    it('that has come to its end begins anew with the same state file', async () => {
      await using scope = new AsyncDisposableStack()
      const copy = await mkdtemp(join(tmpdir(), 'coffer-verify-'))
      scope.defer(() => rm(copy, { recursive: true, force: true }))
      await cp(directory, copy, { recursive: true })
      const again = () => verified(join(copy, 'data'), `--state=${join(copy, 'state.json')}`)
      expect(await again()).toMatchObject({ status: 0, findings: [], summary: { resumed: false, objects: 11 } })
      const path = blobs.get('large')?.[0]?.path ?? ''
      const place = { path: join(copy, relative(directory, path)), start: 0, lengthBytes: LARGE, packed: false }
      await flipAt(place, 500)
      expect(await again()).toMatchObject({ status: 7, summary: { resumed: false, objects: 11 } })
      await flipAt(place, 500)
      expect(await again()).toMatchObject({ status: 0, findings: [] })
    })

    it.each([
      [['--mib-per-second=0'], 'UsageError', 2],
      [['--mib-per-second', 'fast'], 'UsageError', 2],
      [['--nonsense'], 'ConfigInvalid', 9],
      [['--state'], 'UsageError', 2],
      [['--without-keys', '--state=x'], 'UsageError', 2],
      [['--instance-key-file=/nowhere'], 'InstanceKeyMissing', 12],
    ])('called with %s ends with what %s has everywhere', async (args, code, status) => {
      expect(await verified(dataDir(), ...args)).toMatchObject({ status, errors: expect.stringContaining(code) })
    })

    it('says what to do when a server runs, or when there is nothing', async () => {
      await using test = await startHouse()
      expect(await verified(test.dataDir)).toMatchObject({
        status: 11,
        errors: expect.stringMatching(/in use by process \d+[\s\S]*coffer scrub findings[\s\S]*coffer verify BUCKET/),
      })
      expect(await verified(join(test.directory, 'nowhere'))).toMatchObject({
        status: 10,
        errors: expect.stringContaining('NoStore'),
      })
    })
  })
})
