import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AllKinds, allKinds, CUSTOMER_KEY, HOSTILE_NAMES } from '../support/all-kinds.ts'
import { contentBytes } from '../support/content.ts'
import { filesUnder } from '../support/files-under.ts'
import { keyOwner } from '../support/keys.ts'
import { flipped } from '../support/level-rows.ts'
import { startObjectHouse } from '../support/object-house.ts'
import { makeBucket } from '../support/s3.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

// Run as an auditor would: the folder alone, copied to where there is nothing else.

let home: TemporaryDirectory
let kinds: AllKinds
let before: readonly string[]
let program: string
let dataDir: string
let classes: string
let customerKey: string
beforeAll(async () => {
  home = await temporaryDirectory()
  program = home.join('decrypt', 'main.ts')
  await cp(join(import.meta.dirname, '../../src/decrypt'), home.join('decrypt'), { recursive: true })
  await mkdir(home.join('store'))
  kinds = await allKinds(home.join('store'))
  dataDir = join(kinds.directory, 'data')
  classes = `STANDARD_IA=${join(kinds.directory, 'slow')}`
  customerKey = home.join('customer.key')
  await writeFile(customerKey, CUSTOMER_KEY.toString('base64'))
  before = await digestsOf(kinds.directory)
})
afterAll(() => home[Symbol.asyncDispose]())

interface Run {
  readonly status: number
  readonly out: Buffer
  readonly err: string
}

const decrypt = (...args: readonly string[]): Promise<Run> => {
  const { promise, resolve } = Promise.withResolvers<Run>()
  const options = { encoding: 'buffer' as const, maxBuffer: 64 * 1024 * 1024, cwd: home.path }
  const child = execFile(process.execPath, [program, ...args], options, (_, out, err) => {
    resolve({ status: child.exitCode ?? -1, out, err: err.toString('utf8') })
  })
  return promise
}
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const digestsOf = async (directory: string) =>
  [...(await filesUnder(directory))].map(([path, bytes]) => `${path} ${sha256(bytes)}`).toSorted()

interface IndexLine {
  readonly file: string
  readonly bucket: string
  readonly key: string
  readonly versionId: string
  readonly current: boolean
  readonly sha256: string
  readonly etag: string
  readonly headers: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
}
const linesOf = (text: string) => text.trimEnd().split('\n')
const indexOf = async (directory: string): Promise<IndexLine[]> =>
  linesOf(await readFile(join(directory, 'index.jsonl'), 'utf8')).map((line) => JSON.parse(line))
const told = (all: readonly { bucket: string; key: string; versionId: string; sha256: string; etag: string }[]) =>
  all.map(({ bucket, key, versionId, sha256, etag }) => `${bucket}/${key} ${versionId} ${sha256} ${etag}`).toSorted()

describe('coffer decrypt, of all that a server stores', () => {
  it('opens every version of every object, byte for byte as S3 gives it', async () => {
    const to = home.join('all')
    const run = await decrypt(
      ...['get', dataDir, '--all', '--to', to, '--versions', '--class', classes, '--customer-key', customerKey],
    )
    expect(run).toMatchObject({ status: 0, err: expect.stringContaining('0 that are damaged') })
    const index = await indexOf(to)
    expect(told(index)).toEqual(told(kinds.stored.map((one) => ({ ...one, sha256: sha256(one.bytes) }))))
    for (const { file, sha256: digest } of index) expect(sha256(await readFile(join(to, file)))).toBe(digest)
    expect(index.find(({ bucket, key }) => bucket === 'objects' && key === 'small')).toMatchObject({
      headers: { 'content-type': 'text/x-secret', 'cache-control': 'no-store' },
      metadata: { colour: 'green' },
    })
  })

  it('changes nothing in the data directory', async () => {
    expect(await digestsOf(kinds.directory)).toEqual(before)
  })

  it('puts every object, whatever its name, in a file of its own below the directory', async () => {
    const to = home.join('all')
    const index = await indexOf(to)
    expect(new Set(index.map(({ file }) => file)).size).toBe(kinds.stored.length)
    const files = (await readdir(to, { recursive: true, withFileTypes: true })).filter((one) => one.isFile())
    expect(files).toHaveLength(kinds.stored.length + 1)
    for (const name of HOSTILE_NAMES) expect(index.some(({ key }) => key === name)).toBe(true)
    expect(index.some(({ file }) => file.split('/').some((piece) => /^\.*$/.test(piece)))).toBe(false)
  })

  it('lists them with their sizes and ETags, and delete markers', async () => {
    const { status, out } = await decrypt('list', dataDir, '--versions', '--json')
    expect(status).toBe(0)
    const lines = linesOf(out.toString('utf8')).map((line) => JSON.parse(line))
    const listed = lines.filter((line) => !line.deleteMarker)
    const text = (
      one: { bucket: string; key: string; versionId: string; etag: string },
      size: number,
      current: boolean,
    ) => `${one.bucket}/${one.key} ${one.versionId} ${one.etag} ${size} ${current}`
    expect(listed.map((one) => text(one, one.sizeBytes, one.current)).toSorted()).toEqual(
      kinds.stored.map((one) => text(one, one.bytes.length, one.isCurrent)).toSorted(),
    )
    expect(lines.filter((line) => line.deleteMarker)).toMatchObject([{ bucket: 'versions', key: 'deleted' }])
    const inBucket = await decrypt('list', dataDir, 'objects/a', '--json')
    expect(linesOf(inBucket.out.toString('utf8')).map((line) => JSON.parse(line).key)).toEqual([
      'a',
      'a//b',
      'a/b',
      'appended',
    ])
  })

  it('gives one object on standard output or in a new file, also a version that is not current', async () => {
    const old = kinds.stored.find(({ key, isCurrent }) => key === 'v' && !isCurrent)
    const run = await decrypt('get', dataDir, 'versions/v', '--version', old?.versionId ?? '')
    expect([run.status, run.out.equals(old?.bytes ?? Buffer.alloc(0))]).toEqual([0, true])
    const file = home.join('one')
    expect(await decrypt('get', dataDir, 'objects/large', '-o', file)).toMatchObject({ status: 0 })
    const large = kinds.stored.find(({ key }) => key === 'large')
    expect((await readFile(file)).equals(large?.bytes ?? Buffer.alloc(0))).toBe(true)
    expect(await decrypt('get', dataDir, 'objects/large', '-o', file)).toMatchObject({
      status: 2,
      err: expect.stringContaining('nothing is overwritten'),
    })
  })

  it('names what it has no key for, opens the rest and ends with 3', async () => {
    const to = home.join('without')
    const run = await decrypt('get', dataDir, 'objects', '--all', '--to', to)
    expect(run).toMatchObject({ status: 3, err: expect.stringMatching(/▲ objects\/sse-c: .*key of its customer/) })
    expect(run.err).toContain('▲ objects/of another class')
    const opened = kinds.stored.filter(({ bucket, isCurrent }) => bucket === 'objects' && isCurrent).length - 3
    expect(await indexOf(to)).toHaveLength(opened)
    await writeFile(home.join('other.key'), Buffer.alloc(32, 'other'))
    expect(await decrypt('get', dataDir, 'objects/sse-c', '--customer-key', home.join('other.key'))).toMatchObject({
      status: 3,
      err: expect.stringContaining('none of the given keys'),
    })
  })

  it('refuses the key of another store, and says which one it wants', async () => {
    const other = home.join('wrong.key')
    await writeFile(other, createHash('sha256').update('wrong').digest())
    const { keyId } = JSON.parse(await readFile(join(dataDir, 'instance-key.json'), 'utf8'))
    const wrong = await decrypt('list', dataDir, '--key-file', other)
    expect(wrong).toMatchObject({ status: 2, err: expect.stringContaining(keyId) })
    expect((await decrypt('get', dataDir, 'objects/nothing')).status).toBe(2)
    expect((await decrypt('list', home.join('nowhere'))).status).toBe(2)
    expect((await decrypt('scrub', dataDir)).status).toBe(2)
    expect((await decrypt('--help')).status).toBe(0)
  })

  it('opens with what a key service elsewhere gave for the wrapped keys', async () => {
    const { out } = await decrypt('wrapped', dataDir, 'customer-managed')
    const asked = linesOf(out.toString('utf8')).map((line) => JSON.parse(line))
    expect(asked.length).toBeGreaterThan(3)
    for (const { aad, rootKeyCrn } of asked) {
      expect([aad[0], ['dek', 'bkk', 'bmk'].includes(aad[1]), rootKeyCrn.startsWith('crn:')]).toEqual([
        'oef1',
        true,
        true,
      ])
    }
    // Without the embedded key service there is nobody to open them but whoever was asked.
    const bare = home.join('bare')
    await cp(dataDir, bare, { recursive: true })
    await cp(`${dataDir}.key`, `${bare}.key`)
    await rm(join(bare, 'kms'), { recursive: true })
    const refused = await decrypt('get', bare, 'customer-managed/small')
    expect(refused).toMatchObject({ status: 3, err: expect.stringContaining('not in this data directory') })
    const { openDataDirectory } = await import('../../src/decrypt/data-directory.ts')
    const none = { materials: [], unwrapped: new Map(), customerKeys: [], classes: new Map() }
    const opened = openDataDirectory(dataDir, { instance: {}, ...none })
    const { findObject } = await import('../../src/decrypt/objects.ts')
    const bucket = opened.bucket('customer-managed')
    const object = findObject(opened.rows, bucket, 'small')
    const { ciphertext } = bucket.underRootKey(object.wrapped)
    const isBucketKey = !ciphertext.equals(object.wrapped.ciphertext)
    const { rootKeys } = await import('../../src/decrypt/root-keys.ts')
    const { openRows } = await import('../../src/decrypt/rows.ts')
    const kms = { rows: openRows(dataDir, 'kms', opened.instanceKey), instanceKey: opened.instanceKey }
    const key = rootKeys({ kms, materials: [], unwrapped: new Map() }).unwrap(bucket.underRootKey(object.wrapped), 'it')
    kms.rows.close()
    opened.close()
    const given = home.join('unwrapped.jsonl')
    const line = { ciphertext: ciphertext.toString('base64'), plaintext: key.toString('base64') }
    await writeFile(given, `${JSON.stringify(line)}\n`)
    const small = kinds.stored.find(({ bucket: of, key: named }) => of === 'customer-managed' && named === 'small')
    const run = await decrypt('get', bare, 'customer-managed/small', '--unwrapped', given)
    expect([run.status, run.out.equals(small?.bytes ?? Buffer.alloc(0))]).toEqual([0, true])
    if (isBucketKey) return
    await writeFile(home.join('dek'), key)
    expect((await decrypt('get', bare, 'customer-managed/small', '--dek', home.join('dek'))).status).toBe(0)
  })

  it('opens with root key material that its owner kept', async () => {
    const bare = home.join('bare')
    const material = home.join('material')
    await writeFile(material, Buffer.alloc(32, 7))
    expect((await decrypt('get', bare, 'customer-managed/small', '--root-key', material)).status).toBe(3)
    await using theirs = await temporaryDirectory()
    const test = await startObjectHouse({ directory: theirs.path })
    const bytes = contentBytes('material of theirs', 24)
    const owner = await keyOwner(test.controlUrl)
    const { crn } = await owner.newKey('theirs', { payload: bytes.toString('base64') })
    await makeBucket(test.s3, 'theirs', crn)
    await test.s3.send(new PutObjectCommand({ Bucket: 'theirs', Key: 'object', Body: 'under 24 bytes of their own' }))
    await test.stop()
    await rm(join(test.dataDir, 'kms'), { recursive: true })
    await writeFile(material, bytes.toString('hex'))
    const run = await decrypt('get', test.dataDir, 'theirs/object', '--root-key', material)
    expect([run.status, run.out.toString('utf8')]).toEqual([0, 'under 24 bytes of their own'])
  })

  it('reads the keys out of the data directory of a key service, where that is another one', async () => {
    const bare = home.join('bare')
    const run = await decrypt('get', bare, 'customer-managed/small', '--kms', dataDir)
    expect(run.status).toBe(0)
  })
})

describe('coffer decrypt, of what was changed', () => {
  const damagedCopy = async (name: string, change: (path: string) => Promise<void>): Promise<string> => {
    const copy = home.join(name)
    await cp(dataDir, copy, { recursive: true })
    await cp(`${dataDir}.key`, `${copy}.key`)
    await change(copy)
    return copy
  }
  const blobFile = async (copy: string, size: number) => {
    for (const [path, bytes] of await filesUnder(join(copy, 'blobs'))) if (bytes.length === size) return path
    throw new Error(`no blob of ${size} bytes`)
  }
  const largeStored = 80 + 3_000_001 + 16 * 46

  it.each([
    ['a byte of a segment', (bytes: Buffer) => flipped(bytes, 1_000_000), 'the tag of segment'],
    ['a byte of the header', (bytes: Buffer) => flipped(bytes, 20), 'header of another part'],
    ['a byte of the commitment', (bytes: Buffer) => flipped(bytes, 60), 'commitment'],
    ['the magic', (bytes: Buffer) => flipped(bytes, 0), 'magic'],
    ['the length', (bytes: Buffer) => bytes.subarray(0, -1), 'stored bytes instead of'],
  ])('%s: named, nothing of it is left, and the status is 1', async (what, change, message) => {
    const copy = await damagedCopy(what, async (path) => {
      const file = await blobFile(path, largeStored)
      await writeFile(file, change(await readFile(file)))
    })
    const file = home.join(`${what}.out`)
    expect(await decrypt('get', copy, 'objects/large', '-o', file)).toMatchObject({
      status: 1,
      err: expect.stringContaining(message),
    })
    expect((await readdir(home.path)).filter((name) => name.startsWith(`${what}.out`))).toEqual([])
    const all = await decrypt('get', copy, 'objects', '--all', '--to', home.join(`${what}.all`))
    expect(all).toMatchObject({ status: 1, err: expect.stringContaining('1 that are damaged') })
    await rm(copy, { recursive: true })
  })

  it('a byte of a LevelDB table', async () => {
    const copy = await damagedCopy('table', async (path) => {
      const tables = (await readdir(join(path, 'metadata'))).filter((name) => name.endsWith('.ldb'))
      expect(tables).not.toEqual([])
      const file = join(path, 'metadata', tables[0] ?? '')
      await writeFile(file, flipped(await readFile(file), 100))
    })
    expect(await decrypt('list', copy)).toMatchObject({ status: 1, err: expect.stringContaining('checksum') })
  })

  it('a missing blob', async () => {
    const copy = await damagedCopy('missing', async (path) => rm(await blobFile(path, largeStored)))
    expect(await decrypt('get', copy, 'objects/large')).toMatchObject({
      status: 1,
      err: expect.stringContaining('ENOENT'),
    })
  })
})
