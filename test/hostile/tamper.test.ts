import { once } from 'node:events'
import { cp, mkdtemp, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { flipped, type StoredRow, withRows } from '../support/level-rows.ts'
import { outcome, sendRaw, signRaw, startRaw } from '../support/raw-s3.ts'
import { type BlobPlace, blobsAddedBy, flipAt, readBlob, rewrite, writeAt } from '../support/stored-blobs.ts'

// Somebody who writes to the disk while the server is stopped. Each case has an object of its own, so that one restart
// shows what became of all of them: an error, or the bytes that were stored, and never others.

const SEGMENT = 65_536 + 16
const SMALL = 3000
const LARGE = 5 * 65_536 + 1000
const PART = 5 * 1024 * 1024
const BUCKET = 'bucket'

let test: TestHouse
const contents = new Map<string, Buffer>()
const uploadIds = new Map<string, string>()

async function put(key: string, size: number, bucket = BUCKET): Promise<BlobPlace> {
  // Another version has other bytes of the same length.
  const body = contentBytes(`${key} ${contents.size} ${Math.random()}`, size)
  const places = await blobsAddedBy(test, () =>
    test.client().send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body })),
  )
  if (bucket === BUCKET) contents.set(key, body)
  const [place] = places
  if (!place || places.length !== 1) throw new Error(`one blob was expected of a PUT, not ${places.length}`)
  return place
}

async function putParts(key: string): Promise<BlobPlace[]> {
  const s3 = test.client()
  const target = { Bucket: BUCKET, Key: key }
  const { UploadId = '' } = await s3.send(new CreateMultipartUploadCommand(target))
  uploadIds.set(key, UploadId)
  const bodies = [contentBytes(`${key} 1`, PART), contentBytes(`${key} 2`, PART)]
  const parts: { PartNumber: number; ETag: string | undefined }[] = []
  const places = await blobsAddedBy(test, async () => {
    for (const [index, Body] of bodies.entries()) {
      const PartNumber = index + 1
      const { ETag } = await s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber, Body }))
      parts.push({ PartNumber, ETag })
    }
  })
  await s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: parts } }))
  contents.set(key, Buffer.concat(bodies))
  return places
}

interface Read {
  readonly outcome: string
  readonly bytes: Buffer
  /** The connection ended before the body did. */
  readonly torn: boolean
}

async function read(key: string, range?: string): Promise<Read> {
  const headers = range === undefined ? {} : { range }
  const outgoing = startRaw(test.s3Url, signRaw(test.s3Url, { method: 'GET', path: `/${BUCKET}/${key}`, headers }))
  outgoing.end()
  const incoming = await once(outgoing, 'response').then(
    ([answer]: IncomingMessage[]) => answer,
    (error: unknown) => {
      // A reset overtakes what was sent before it, the head too, when that has not been read yet.
      if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET') return undefined
      throw error
    },
  )
  if (!incoming) return { outcome: 'reset', bytes: Buffer.alloc(0), torn: true }
  const chunks: Buffer[] = []
  let torn = false
  try {
    for await (const chunk of incoming) chunks.push(chunk)
  } catch {
    torn = true
  }
  const bytes = Buffer.concat(chunks)
  const code = /<Code>(.*?)<\/Code>/.exec(bytes.toString())?.[1]
  const status = incoming.statusCode ?? 0
  return { outcome: status >= 300 ? `${status} ${code}` : String(status), bytes, torn }
}

/** An error before the first byte, or a torn connection after bytes that are all right. */
async function expectRefused(key: string): Promise<Read> {
  const result = await read(key)
  if (result.outcome === 'reset') return result
  if (result.outcome !== '200') expect([key, result.outcome]).toEqual([key, '500 InternalError'])
  else {
    expect([key, result.torn]).toEqual([key, true])
    expect(contents.get(key)?.subarray(0, result.bytes.length).equals(result.bytes)).toBe(true)
  }
  return result
}

async function expectIntact(key: string): Promise<void> {
  const { outcome: answer, bytes, torn } = await read(key)
  expect([key, answer, torn]).toEqual([key, '200', false])
  expect(contents.get(key)?.equals(bytes)).toBe(true)
}

async function expectRightOrRefused(key: string): Promise<void> {
  const result = await read(key)
  if (result.outcome === '200' && !result.torn) expect(contents.get(key)?.equals(result.bytes)).toBe(true)
  else await expectRefused(key)
}

/** Fields of a stored part by docs/envelope-format.md, and the offset of a byte in each. */
const FIELDS: Readonly<Record<string, number>> = {
  magic: 0,
  'last byte of the magic': 3,
  version: 4,
  suite: 5,
  'segment size': 6,
  flags: 7,
  'blob id': 8,
  'last byte of the blob id': 23,
  'part number': 27,
  reserved: 28,
  'part salt': 32,
  'last byte of the part salt': 47,
  commitment: 48,
  'last byte of the commitment': 79,
  'first segment': 80,
}
const SMALL_FIELDS = {
  ...FIELDS,
  'last byte of the text': 80 + SMALL - 1,
  tag: 80 + SMALL,
  'last byte of the tag': 80 + SMALL + 15,
}
const LARGE_FIELDS = {
  ...FIELDS,
  'tag of the first segment': 80 + 65_536,
  'second segment': 80 + SEGMENT,
  'tag of the second segment': 80 + SEGMENT + 65_536 + 15,
  'last segment': 80 + 5 * SEGMENT,
  'tag of the last segment': 80 + 5 * SEGMENT + 1000 + 15,
}
/** Of the header of a pack's record, counted from its end. Not all of them mean something to a reader. */
const RECORD_FIELDS = {
  'record magic': -16,
  'record version': -12,
  'record state': -11,
  'record zero': -10,
  'record length': -5,
  'record sum': -1,
}

const CUTS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  'without its last byte': (bytes) => bytes.subarray(0, -1),
  'without its last segment': (bytes) => bytes.subarray(0, 80 + 5 * SEGMENT),
  'of one segment': (bytes) => bytes.subarray(0, 80 + SEGMENT),
  'of a header only': (bytes) => bytes.subarray(0, 80),
  'of half a header': (bytes) => bytes.subarray(0, 40),
  'of nothing': () => Buffer.alloc(0),
  'with a byte more': (bytes) => Buffer.concat([bytes, Buffer.from([0])]),
  'with its last segment twice': (bytes) => Buffer.concat([bytes, bytes.subarray(80 + 5 * SEGMENT)]),
  'with two segments exchanged': (bytes) =>
    Buffer.concat([
      bytes.subarray(0, 80 + SEGMENT),
      bytes.subarray(80 + 2 * SEGMENT, 80 + 3 * SEGMENT),
      bytes.subarray(80 + SEGMENT, 80 + 2 * SEGMENT),
      bytes.subarray(80 + 3 * SEGMENT),
    ]),
  'with a segment twice': (bytes) =>
    Buffer.concat([
      bytes.subarray(0, 80 + SEGMENT),
      bytes.subarray(80, 80 + SEGMENT),
      bytes.subarray(80 + 2 * SEGMENT),
    ]),
}

/** Of a row: u48 sequence ‖ u32 epoch ‖ u32 counter ‖ ciphertext ‖ tag. */
const ROW_CHANGES: Readonly<Record<string, (value: Buffer) => Buffer>> = {
  'another epoch': (value) => flipped(value, 9),
  'an epoch that never was': (value) => flipped(value, 6),
  'another counter': (value) => flipped(value, 13),
  'another first byte': (value) => flipped(value, 14),
  'another byte in the middle': (value) => flipped(value, value.length >> 1),
  'another tag': (value) => flipped(value, -1),
  'a byte less': (value) => value.subarray(0, -1),
  'a byte more': (value) => Buffer.concat([value, Buffer.from([0])]),
  'its sequence only': (value) => value.subarray(0, 6),
  'half a sequence': (value) => value.subarray(0, 3),
  nothing: () => Buffer.alloc(0),
}

const slug = (name: string) => name.replaceAll(/[^a-z]+/gi, '-')
const HEAD = 2
const PART_ROW = 5
const headRow = (rows: readonly StoredRow[], key: string): StoredRow => {
  const row = rows.find((each) => each.key[0] === HEAD && each.key.subarray(17).toString() === key)
  if (!row) throw new Error(`no row of ${key}`)
  return row
}

beforeAll(async () => {
  test = await startHouse()
  await test.client().send(new CreateBucketCommand({ Bucket: BUCKET }))
  await test.client().send(new CreateBucketCommand({ Bucket: 'elsewhere' }))
  const places = new Map<string, BlobPlace[]>()
  const at = (key: string, index = 0): BlobPlace => {
    const place = places.get(key)?.[index]
    if (!place) throw new Error(`no blob of ${key}`)
    return place
  }
  const add = async (key: string, size: number) => void places.set(key, [await put(key, size)])

  for (const name of Object.keys({ ...SMALL_FIELDS, ...RECORD_FIELDS })) await add(`small-${slug(name)}`, SMALL)
  for (const name of Object.keys(LARGE_FIELDS)) await add(`large-${slug(name)}`, LARGE)
  for (const name of Object.keys(CUTS)) await add(`cut-${slug(name)}`, LARGE)
  for (const name of Object.keys(ROW_CHANGES)) await add(`row-${slug(name)}`, SMALL)
  for (const key of [
    'small-swapped-a',
    'small-swapped-b',
    'witness-small',
    'row-swapped-a',
    'row-swapped-b',
    'row-sequence',
  ])
    await add(key, SMALL)
  for (const key of ['large-swapped-a', 'large-swapped-b', 'witness-large', 'large-gone']) await add(key, LARGE)
  await add('row-from-elsewhere', SMALL)
  await put('row-from-elsewhere', SMALL, 'elsewhere')
  for (const key of ['parts-flipped', 'parts-exchanged', 'parts-of-another', 'parts-row', 'witness-parts'])
    places.set(key, await putParts(key))

  // Replay: what the disk held of an earlier version comes back over the newer one.
  const earlier = new Map<string, Buffer>()
  for (const [key, size] of [
    ['small-replayed', SMALL],
    ['large-replayed', LARGE],
    ['row-replayed', SMALL],
  ] as const) {
    await add(key, size)
    earlier.set(key, await readBlob(at(key)))
  }
  await test.stop()
  const earlierRow = await withRows(
    join(test.dataDir, 'metadata'),
    async ({ all }) => headRow(all, 'row-replayed').value,
  )
  test = await startHouse({ directory: test.directory })
  for (const key of ['small-replayed', 'large-replayed', 'row-replayed']) await add(key, contents.get(key)?.length ?? 0)
  await test.stop()

  for (const [name, offset] of Object.entries({ ...SMALL_FIELDS, ...RECORD_FIELDS }))
    await flipAt(at(`small-${slug(name)}`), offset)
  for (const [name, offset] of Object.entries(LARGE_FIELDS)) await flipAt(at(`large-${slug(name)}`), offset)
  for (const [name, change] of Object.entries(CUTS)) await rewrite(at(`cut-${slug(name)}`), change)
  const exchange = async (a: BlobPlace, b: BlobPlace) => {
    const [bytesOfA, bytesOfB] = [await readBlob(a), await readBlob(b)]
    await writeAt(a, 0, bytesOfB)
    await writeAt(b, 0, bytesOfA)
  }
  await exchange(at('small-swapped-a'), at('small-swapped-b'))
  await exchange(at('large-swapped-a'), at('large-swapped-b'))
  await exchange(at('parts-exchanged', 0), at('parts-exchanged', 1))
  await writeAt(at('parts-of-another', 0), 0, await readBlob(at('witness-parts', 0)))
  await flipAt(at('parts-flipped', 1), 80 + 3 * SEGMENT)
  await unlink(at('large-gone').path)
  for (const key of ['small-replayed', 'large-replayed']) await writeAt(at(key), 0, earlier.get(key) ?? Buffer.alloc(0))

  await withRows(join(test.dataDir, 'metadata'), async ({ all, put: putRow }) => {
    for (const [name, change] of Object.entries(ROW_CHANGES)) {
      const { key, value } = headRow(all, `row-${slug(name)}`)
      await putRow(key, change(value))
    }
    const [a, b] = [headRow(all, 'row-swapped-a'), headRow(all, 'row-swapped-b')]
    await putRow(a.key, b.value)
    await putRow(b.key, a.value)
    const both = all.filter(({ key }) => key[0] === HEAD && key.subarray(17).toString() === 'row-from-elsewhere')
    for (const row of both) await putRow(row.key, both.find((other) => other !== row)?.value ?? row.value)
    await putRow(headRow(all, 'row-replayed').key, earlierRow)
    const sequence = headRow(all, 'row-sequence')
    await putRow(sequence.key, flipped(sequence.value, 5))
    // One part's row in place of the other's, of the same object.
    const upload = Buffer.from(uploadIds.get('parts-row')?.slice(-32) ?? '', 'hex')
    const [first, second] = all.filter(({ key }) => key[0] === PART_ROW && key.subarray(1, 17).equals(upload))
    if (!first || !second) throw new Error('no rows of parts')
    await putRow(first.key, second.value)
  })
  test = await startHouse({ directory: test.directory })
}, 120_000)
afterAll(async () => {
  await test.stop()
  await rm(test.directory, { recursive: true, force: true })
})

describe('A small object, packed with others,', () => {
  it.each(Object.keys(SMALL_FIELDS))('is refused with another %s', async (name) => {
    // All of it is in one segment, so nothing was sent before the error.
    expect((await expectRefused(`small-${slug(name)}`)).outcome).toBe('500 InternalError')
  })

  it.each(Object.keys(RECORD_FIELDS))('is right or refused with another %s', async (name) => {
    await expectRightOrRefused(`small-${slug(name)}`)
  })

  it('is refused with the bytes of another, or of its own earlier version', async () => {
    for (const key of ['small-swapped-a', 'small-swapped-b', 'small-replayed']) {
      expect((await expectRefused(key)).outcome).toBe('500 InternalError')
    }
  })
})

describe('A large object, in a file of its own,', () => {
  it.each(Object.keys(LARGE_FIELDS))('is refused with another %s', async (name) => {
    await expectRefused(`large-${slug(name)}`)
  })

  it('is refused before the first byte where that can be known', async () => {
    for (const name of [...Object.keys(FIELDS), 'tag of the first segment']) {
      expect((await expectRefused(`large-${slug(name)}`)).outcome).toBe('500 InternalError')
    }
  })

  it.each(Object.keys(CUTS))('is refused %s', async (name) => {
    await expectRefused(`cut-${slug(name)}`)
  })

  it('is refused with the bytes of another, of its own earlier version, or with none', async () => {
    for (const key of ['large-swapped-a', 'large-swapped-b', 'large-replayed', 'large-gone']) {
      expect((await expectRefused(key)).outcome).toBe('500 InternalError')
    }
  })

  it('is refused in ranges that hold the damage, and right in others', async () => {
    const key = 'large-second-segment'
    for (const range of ['bytes=65536-65536', 'bytes=70000-131071', 'bytes=0-65536', 'bytes=131071-140000']) {
      const { outcome: answer, bytes, torn } = await read(key, range)
      const start = Number(/\d+/.exec(range)?.[0])
      expect(answer === '500 InternalError' || torn).toBe(true)
      if (answer === '206')
        expect(
          contents
            .get(key)
            ?.subarray(start, start + bytes.length)
            .equals(bytes),
        ).toBe(true)
    }
    for (const [start, end] of [
      [0, 65_535],
      [131_072, LARGE - 1],
    ] as const) {
      const { outcome: answer, bytes } = await read(key, `bytes=${start}-${end}`)
      expect(answer).toBe('206')
      expect(
        contents
          .get(key)
          ?.subarray(start, end + 1)
          .equals(bytes),
      ).toBe(true)
    }
  })

  it('is not the source of a copy that hides the damage', async () => {
    for (const source of [
      'large-second-segment',
      'large-tag-of-the-last-segment',
      'small-tag',
      'cut-without-its-last-byte',
    ]) {
      const reply = await sendRaw(test.s3Url, {
        method: 'PUT',
        path: `/${BUCKET}/copied`,
        headers: { 'x-amz-copy-source': `${BUCKET}/${source}` },
      })
      expect(outcome(reply)).toBe('500 InternalError')
    }
    expect((await read('copied')).outcome).toBe('404 NoSuchKey')
  })
})

describe('An object of parts', () => {
  it.each(['parts-flipped', 'parts-exchanged', 'parts-of-another', 'parts-row'])('is refused: %s', async (key) => {
    await expectRefused(key)
  })
})

describe('The row of an object', () => {
  it.each(Object.keys(ROW_CHANGES))('is refused with %s', async (name) => {
    expect((await expectRefused(`row-${slug(name)}`)).outcome).toBe('500 InternalError')
  })

  it('is refused with the row of another object, of the same object elsewhere, or of an earlier version', async () => {
    for (const key of ['row-swapped-a', 'row-swapped-b', 'row-from-elsewhere', 'row-replayed']) {
      expect((await expectRefused(key)).outcome).toBe('500 InternalError')
    }
  })

  it('says nothing of the content by its sequence number', async () => {
    await expectRightOrRefused('row-sequence')
  })

  it('is listed by its name and as nothing else, and can be deleted', async () => {
    const list = (prefix: string) => sendRaw(test.s3Url, { method: 'GET', path: `/${BUCKET}`, query: { prefix } })
    const listed = (await list('row-swapped-a')).body.toString()
    expect(listed).toContain(
      '<Key>row-swapped-a</Key><LastModified>1970-01-01T00:00:00.000Z</LastModified><Size>0</Size>',
    )
    expect(listed).not.toContain('ETag')
    expect(outcome(await sendRaw(test.s3Url, { method: 'DELETE', path: `/${BUCKET}/row-swapped-a` }))).toBe('204')
    expect((await list('row-swapped-a')).body.toString()).not.toContain('<Key>')
    expect((await list('witness')).body.toString()).toContain('<Key>witness-small</Key>')
  })

  it('can be written anew', async () => {
    for (const key of ['small-tag', 'large-second-segment', 'cut-of-nothing']) {
      const body = contentBytes(`anew ${key}`, SMALL)
      await test.client().send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body }))
      contents.set(key, body)
      await expectIntact(key)
    }
  })
})

describe('What nobody touched', () => {
  it.each(['witness-small', 'witness-large', 'witness-parts'])('is read as it was stored: %s', async (key) => {
    await expectIntact(key)
  })
})

describe('A store whose foundations were touched', () => {
  let original: TestHouse
  const body = 'the only object'
  beforeAll(async () => {
    original = await startHouse()
    await original.client().send(new CreateBucketCommand({ Bucket: BUCKET }))
    await original.client().send(new PutObjectCommand({ Bucket: BUCKET, Key: 'key', Body: body }))
    await original.stop()
  })
  afterAll(() => rm(original.directory, { recursive: true, force: true }))

  /** Starts on a copy that `damage` was done to; the answer to a GET, or the code of the error that prevented the start. */
  async function startDamaged(damage: (dataDir: string) => Promise<unknown>): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'coffer-test-'))
    try {
      await cp(original.directory, directory, { recursive: true })
      await damage(join(directory, 'data'))
      const house = await startHouse({ directory }).catch((error: { code?: string }) => error.code ?? String(error))
      if (typeof house === 'string') return house
      const reply = await sendRaw(house.s3Url, { method: 'GET', path: `/${BUCKET}/key` })
      await house.stop()
      return reply.status === 200 ? reply.body.toString() : outcome(reply)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }
  const flipRows =
    (store: string, wanted: (row: StoredRow) => boolean, at = -1) =>
    (dataDir: string) =>
      withRows(join(dataDir, store), async ({ all, put: putRow }) => {
        const chosen = all.filter(wanted)
        expect(chosen.length).toBeGreaterThan(0)
        for (const { key, value } of chosen) await putRow(key, flipped(value, at))
      })

  it('reads as before when nothing was', async () => {
    expect(await startDamaged(async () => {})).toBe(body)
  })

  it('starts over the row of a bucket and refuses that bucket', async () => {
    expect(await startDamaged(flipRows('metadata', ({ key }) => key[0] === 1))).toBe('500 InternalError')
  })

  it('does not start over the salts of nonces', async () => {
    expect(await startDamaged(flipRows('metadata', ({ key }) => key[0] === 254))).toBe('MetadataCorrupt')
    expect(await startDamaged(flipRows('metadata', ({ key }) => key[0] === 255 && key[1] === 0x66))).toBe(
      'MetadataCorrupt',
    )
  })

  it('starts over damage to what it only cleans up by, and removes nothing for it', async () => {
    expect(await startDamaged(flipRows('metadata', ({ key }) => key[0] === 8))).toBe(body)
    expect(await startDamaged(flipRows('metadata', ({ key }) => key[0] === 6))).toBe(body)
    const forged = (dataDir: string) =>
      withRows(join(dataDir, 'metadata'), async ({ all, put: putRow }) => {
        const blob = all.find(({ key }) => key[0] === 6)
        await putRow(Buffer.concat([Buffer.from([7]), Buffer.alloc(24)]), blob?.value ?? Buffer.alloc(40))
      })
    expect(await startDamaged(forged)).toBe(body)
  })

  it('does not start, or does not open the object, over damage to keys', async () => {
    for (const store of ['kms', 'iam']) {
      const answer = await startDamaged(flipRows(store, ({ key }) => (key[0] ?? 255) < 200))
      expect(answer).toMatch(/^\w+$/)
    }
    const keyFile = (dataDir: string) => `${dataDir}.key`
    const other = async (dataDir: string) => {
      const bytes = await readFile(keyFile(dataDir))
      await writeFile(keyFile(dataDir), flipped(bytes, bytes.length >> 1))
    }
    expect(await startDamaged(other)).toMatch(/^\w+$/)
    expect(await startDamaged(async (dataDir) => rename(keyFile(dataDir), `${keyFile(dataDir)}.lost`))).toMatch(/^\w+$/)
  })
})
