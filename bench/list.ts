import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { CreateBucketCommand, DeleteObjectsCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import { startHouse, type TestHouse } from '../test/support/house.ts'
import { sendRaw } from '../test/support/raw-s3.ts'
import { startServerProcess } from '../test/support/server-process.ts'

/**
 * What a page of a listing costs over HTTP in a bucket of 10^6 keys, beside the same page in a bucket of 1,000 keys. The
 * objects are made by the engine itself, without HTTP before it; what is deleted is deleted over HTTP.
 */
const { values: options } = parseArgs({
  options: {
    /** Folders of 100 keys in each of ten. */
    folders: { type: 'string', default: '1000' },
    /** Overwritten keys of one folder, and how often. */
    versioned: { type: 'string', default: '10000' },
    versions: { type: 'string', default: '10' },
    pages: { type: 'string', default: '30' },
    /** A directory that an earlier run left with --keep. */
    directory: { type: 'string' },
    keep: { type: 'boolean', default: false },
    server: { type: 'string' },
  },
})

const KEYS_A_FOLDER = 100
const [folders, versioned, versions] = [Number(options.folders), Number(options.versioned), Number(options.versions)]
const [MANY, SMALL, WIDE] = ['many', 'small', 'wide']
const WRITERS = 64

const digits = (number: number, count: number): string => String(number).padStart(count, '0')
const keyAt = (top: number, folder: number, key: number): string => `a${top}/p${digits(folder, 3)}/k${digits(key, 2)}`

const directory = options.directory ?? (await mkdtemp(path.join(tmpdir(), 'coffer-list-')))
try {
  if (options.directory === undefined) await fill()
  await measure()
} finally {
  if (!options.keep && options.directory === undefined) await rm(directory, { recursive: true })
  else console.log(`kept: ${directory}`)
}

async function fill(): Promise<void> {
  await using house = await startHouse({ directory })
  const client = house.client()
  for (const bucket of [MANY, SMALL, WIDE]) await client.send(new CreateBucketCommand({ Bucket: bucket }))
  await putAll(house, MANY, allKeys(folders, KEYS_A_FOLDER))
  await putAll(house, SMALL, allKeys(100, 1))
  await putAll(
    house,
    WIDE,
    Array.from({ length: 1000 }, (_, folder) => keyAt(5, folder, 0)),
  )
  for (const bucket of [MANY, SMALL]) {
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
  }
  const share = Array.from({ length: versioned }, (_, number) =>
    keyAt(3, Math.floor(number / KEYS_A_FOLDER), number % KEYS_A_FOLDER),
  )
  for (let round = 1; round < versions; round++) {
    await putAll(house, MANY, share)
    await putAll(
      house,
      SMALL,
      Array.from({ length: 100 }, (_, folder) => keyAt(3, folder, 0)),
    )
  }
  const startedAt = performance.now()
  for (let folder = 0; folder < folders; folder += 10) {
    const keys = Array.from({ length: 10 * KEYS_A_FOLDER }, (_, number) =>
      keyAt(7, folder + Math.floor(number / KEYS_A_FOLDER), number % KEYS_A_FOLDER),
    )
    const Objects = keys.map((Key) => ({ Key }))
    const { Errors = [] } = await client.send(
      new DeleteObjectsCommand({ Bucket: MANY, Delete: { Objects, Quiet: true } }),
    )
    if (Errors.length > 0) throw new Error(`not deleted: ${Errors[0]?.Code}`)
  }
  console.log(`deleted ${folders * KEYS_A_FOLDER} keys in a row in ${seconds(startedAt)} s`)
}

function* allKeys(folderCount: number, keyCount: number): Generator<string> {
  for (let top = 0; top < 10; top++) {
    for (let folder = 0; folder < folderCount; folder++) {
      for (let key = 0; key < keyCount; key++) yield keyAt(top, folder, key)
    }
  }
}

async function putAll({ house }: TestHouse, bucketName: string, keys: Iterable<string>): Promise<void> {
  const startedAt = performance.now()
  const bucket = house.objects.buckets.get(bucketName)
  const body = Buffer.from('x')
  const left = keys[Symbol.iterator]()
  let count = 0
  const writer = async (): Promise<void> => {
    for (let next = left.next(); !next.done; next = left.next()) {
      const stream = (async function* () {
        yield body
      })()
      await house.objects.put({
        ...{ bucket, key: next.value, body: { stream, lengthBytes: body.length } },
        ...{ attributes: { headers: {}, userMetadata: {} }, conditions: {} },
      })
      count++
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  if (count > 1000) console.log(`stored ${count} objects in ${seconds(startedAt)} s`)
}

interface Page {
  readonly bucket: string
  readonly query: Readonly<Record<string, string>>
  /** Keys, versions and delete markers, and common prefixes, that the page must have. */
  readonly entries: number
}

async function measure(): Promise<void> {
  const server = await startServerProcess({
    dataDir: path.join(directory, 'data'),
    settings: { COFFER_LOG_LEVEL: 'warn' },
    readyTimeoutMs: 600_000,
    ...(options.server === undefined ? {} : { main: options.server }),
  })
  const list = (bucket: string, entries: number, query: Readonly<Record<string, string>> = {}): Page => ({
    ...{ bucket, entries, query: { 'list-type': '2', ...query } },
  })
  const listVersions = (bucket: string, entries: number, query: Readonly<Record<string, string>> = {}): Page => ({
    ...{ bucket, entries, query: { versions: '', ...query } },
  })
  const [middle, last] = [digits(folders >> 1, 3), digits(folders - 1, 3)]
  const overwritten = keyAt(3, versioned / KEYS_A_FOLDER / 2, 50)
  const behind = (key: string): Record<string, string> => ({ 'start-after': key })
  const flat = list(SMALL, 1000)
  const flatVersions = listVersions(WIDE, 1000)
  const cases: readonly (readonly [string, Page, Page])[] = [
    ['1,000 keys: the first', list(MANY, 1000), flat],
    ['1,000 keys: in the middle', list(MANY, 1000, behind(`a5/p${middle}/k50`)), flat],
    ['1,000 keys: near the end', list(MANY, 1000, behind(`a9/p${digits(folders - 11, 3)}/k50`)), flat],
    ['1,000 keys: the next by token', list(MANY, 1000, await continuation()), flat],
    [
      '100 keys by a prefix deep in',
      list(MANY, 100, { prefix: `a5/p${middle}/` }),
      list(SMALL, 100, { prefix: 'a5/' }),
    ],
    ['10 common prefixes', list(MANY, 9, { delimiter: '/' }), list(SMALL, 10, { delimiter: '/' })],
    [
      '1,000 common prefixes',
      list(MANY, Math.min(folders, 1000), { delimiter: '/', prefix: 'a5/' }),
      list(WIDE, 1000, { delimiter: '/', prefix: 'a5/' }),
    ],
    ['1,000 versions: one of each key', listVersions(MANY, 1000, { prefix: 'a5/' }), flatVersions],
    [
      `1,000 versions: ${versions} of each key`,
      listVersions(MANY, 1000, { 'key-marker': overwritten }),
      listVersions(SMALL, 1000, { prefix: 'a3/' }),
    ],
    [
      '1,000 versions: every other one a delete marker',
      listVersions(MANY, 1000, { 'key-marker': `a7/p${middle}/k50` }),
      flatVersions,
    ],
    [`1,000 keys around ${folders * KEYS_A_FOLDER} deleted ones`, list(MANY, 1000, behind(`a6/p${last}/k49`)), flat],
    [
      `no key among ${folders * KEYS_A_FOLDER} deleted ones`,
      list(MANY, 0, { prefix: 'a7/' }),
      list(SMALL, 0, { prefix: 'b' }),
    ],
    [
      '1,000 common prefixes, all of deleted keys',
      list(MANY, 0, { prefix: 'a7/', delimiter: '/' }),
      list(SMALL, 0, { prefix: 'b' }),
    ],
  ]
  try {
    for (const [name, many, small] of cases) {
      const [first, second] = await alternately(many, small)
      console.log(
        `${name}: ${first.toFixed(1)} ms; in a bucket of 1,000 keys ${second.toFixed(1)} ms; ${(first / second).toFixed(2)} times`,
      )
    }
  } finally {
    await server.stop()
  }

  async function continuation(): Promise<Record<string, string>> {
    const { body } = await ask(list(MANY, 1000, behind(`a4/p${last}/k99`)))
    const token = /<NextContinuationToken>([^<]+)</.exec(body)?.[1]
    if (token === undefined) throw new Error('no token')
    return { 'continuation-token': token }
  }

  async function ask({ bucket, query, entries }: Page): Promise<{ ms: number; body: string }> {
    const startedAt = performance.now()
    const reply = await sendRaw(server.s3Url, { method: 'GET', path: `/${bucket}`, query })
    const ms = performance.now() - startedAt
    const body = reply.body.toString('utf8')
    const found = body.match(/<(Contents|Version|DeleteMarker|CommonPrefixes)>/g)?.length ?? 0
    if (reply.status !== 200 || found !== entries) {
      throw new Error(`${reply.status}, ${found} entries instead of ${entries}: ${JSON.stringify(query)}`)
    }
    return { ms, body }
  }

  /** Medians of both, asked in turns, so that other work on the machine slows them alike. */
  async function alternately(many: Page, small: Page): Promise<readonly [number, number]> {
    const times: [number[], number[]] = [[], []]
    for (let page = -3; page < Number(options.pages); page++) {
      for (const [index, one] of [many, small].entries()) {
        const { ms } = await ask(one)
        if (page >= 0) times[index]?.push(ms)
      }
    }
    return [median(times[0]), median(times[1])]
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

function seconds(startedAt: number): string {
  return ((performance.now() - startedAt) / 1000).toFixed(0)
}
