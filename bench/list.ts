import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { CreateBucketCommand, DeleteObjectsCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import { mainAccount } from '../test/support/bootstrap.ts'
import { startHouse, type TestHouse } from '../test/support/house.ts'
import { sendRaw } from '../test/support/raw-s3.ts'
import { s3ClientFor } from '../test/support/s3.ts'
import { type ServerProcess, startServerProcess } from '../test/support/server-process.ts'
import { putMany } from './support/put-many.ts'

/**
 * What a page of a listing costs over HTTP in a bucket of 10^6 keys, beside the same page in a small bucket: of 1,000 keys,
 * or of 1,000 folders with 10 keys each. The objects are made by the engine itself, without HTTP before it; what is
 * deleted is deleted over HTTP.
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
    /** Which of the ten ranges is deleted, 6 to 8: another one, downwards, for each run on a kept directory. */
    deleted: { type: 'string', default: '8' },
    server: { type: 'string' },
  },
})

const KEYS_A_FOLDER = 100
const [folders, versioned, versions] = [Number(options.folders), Number(options.versioned), Number(options.versions)]
const [MANY, SMALL, WIDE] = ['many', 'small', 'wide']
const WIDE_KEYS_A_FOLDER = 10
const WARM_UP = 3
const deleted = Number(options.deleted)

const digits = (number: number, count: number): string => String(number).padStart(count, '0')
const keyAt = (top: number, folder: number, key: number): string => `a${top}/p${digits(folder, 3)}/k${digits(key, 2)}`

const directory = options.directory ?? (await mkdtemp(path.join(tmpdir(), 'coffer-list-')))

async function fill(): Promise<void> {
  await using house = await startHouse({ directory })
  const client = house.client()
  for (const bucket of [MANY, SMALL, WIDE]) await client.send(new CreateBucketCommand({ Bucket: bucket }))
  await putAll(house, MANY, allKeys(folders, KEYS_A_FOLDER))
  await putAll(house, SMALL, allKeys(100, 1))
  await putAll(
    house,
    WIDE,
    Array.from({ length: 1000 * WIDE_KEYS_A_FOLDER }, (_, number) =>
      keyAt(5, Math.floor(number / WIDE_KEYS_A_FOLDER), number % WIDE_KEYS_A_FOLDER),
    ),
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
}

function* allKeys(folderCount: number, keyCount: number): Generator<string> {
  for (let top = 0; top < 10; top++) {
    for (let folder = 0; folder < folderCount; folder++) {
      for (let key = 0; key < keyCount; key++) yield keyAt(top, folder, key)
    }
  }
}

async function putAll(house: TestHouse, bucket: string, keys: Iterable<string>): Promise<void> {
  const startedAt = performance.now()
  const count = await putMany(house, { bucket, keys })
  if (count > 1000) console.log(`stored ${count} objects in ${seconds(startedAt)} s`)
}

interface Page {
  readonly bucket: string
  readonly query: Readonly<Record<string, string>>
  /** Keys, versions and delete markers, and common prefixes, that the page must have. */
  readonly entries: number
}

const list = (bucket: string, entries: number, query: Readonly<Record<string, string>> = {}): Page => ({
  ...{ bucket, entries, query: { 'list-type': '2', ...query } },
})
const listVersions = (bucket: string, entries: number, query: Readonly<Record<string, string>> = {}): Page => ({
  ...{ bucket, entries, query: { versions: '', ...query } },
})

/** The page, and the one that it is compared with. */
type Case = readonly [what: string, many: Page, small: Page]

async function measure(): Promise<void> {
  await serve(async (server) => {
    await compare(server, await standing(server))
    await deleteRange(server)
    await compare(server, beside('right after'))
  })
  await serve((server) => compare(server, beside('after a restart')))
}

async function serve(work: (server: ServerProcess) => Promise<void>): Promise<void> {
  const server = await startServerProcess({
    dataDir: path.join(directory, 'data'),
    settings: { COFFER_LOG_LEVEL: 'warn' },
    readyTimeoutMs: 600_000,
    ...(options.server === undefined ? {} : { main: options.server }),
  })
  try {
    await work(server)
  } finally {
    await server.stop()
  }
}

const [middle, last] = [digits(folders >> 1, 3), digits(folders - 1, 3)]
const behind = (key: string): Record<string, string> => ({ 'start-after': key })
const flat = list(SMALL, 1000)

async function standing(server: ServerProcess): Promise<readonly Case[]> {
  const { body } = await ask(server, list(MANY, 1000, behind(`a4/p${last}/k99`)))
  const token = /<NextContinuationToken>([^<]+)</.exec(body)?.[1]
  if (token === undefined) throw new Error('no token')
  const overwritten = keyAt(3, versioned / KEYS_A_FOLDER / 2, 50)
  const few = { delimiter: '/', 'max-keys': '5' }
  const wide = { delimiter: '/', prefix: 'a5/' }
  return [
    ['1,000 keys: the first', list(MANY, 1000), flat],
    ['1,000 keys: in the middle', list(MANY, 1000, behind(`a5/p${middle}/k50`)), flat],
    ['1,000 keys: near the end', list(MANY, 1000, behind(`a9/p${digits(folders - 11, 3)}/k50`)), flat],
    ['1,000 keys: the next by token', list(MANY, 1000, { 'continuation-token': token }), flat],
    ['100 keys by a prefix', list(MANY, 100, { prefix: `a5/p${middle}/` }), list(SMALL, 100, { prefix: 'a5/' })],
    [`5 common prefixes of ${folders * KEYS_A_FOLDER} keys each`, list(MANY, 5, few), list(SMALL, 5, few)],
    [`1,000 common prefixes of ${KEYS_A_FOLDER} keys each`, list(MANY, folders, wide), list(WIDE, 1000, wide)],
    ['1,000 versions: one of each key', listVersions(MANY, 1000, { prefix: 'a5/' }), listVersions(WIDE, 1000)],
    [
      `1,000 versions: ${versions} of each key`,
      listVersions(MANY, 1000, { 'key-marker': overwritten }),
      listVersions(SMALL, 1000, { prefix: 'a3/' }),
    ],
  ]
}

/** Pages beside a range whose keys were all deleted: current versions are gone, delete markers and versions are there. */
function beside(when: string): readonly Case[] {
  const range = `${folders * KEYS_A_FOLDER} keys deleted in a row, ${when}`
  const none = list(SMALL, 0, { prefix: 'b' })
  return [
    [`${range}: 1,000 keys around them`, list(MANY, 1000, behind(`a${deleted - 1}/p${last}/k49`)), flat],
    [`${range}: none of them`, list(MANY, 0, { prefix: `a${deleted}/` }), none],
    [`${range}: none of their prefixes`, list(MANY, 0, { prefix: `a${deleted}/`, delimiter: '/' }), none],
    [
      `${range}: 1,000 of their versions and delete markers`,
      listVersions(MANY, 1000, { 'key-marker': `a${deleted}/p${middle}/k50` }),
      listVersions(WIDE, 1000),
    ],
  ]
}

async function deleteRange({ s3Url }: ServerProcess): Promise<void> {
  const client = s3ClientFor({ s3Url, ...mainAccount.user })
  const startedAt = performance.now()
  for (let folder = 0; folder < folders; folder += 10) {
    const Objects = Array.from({ length: 10 * KEYS_A_FOLDER }, (_, number) => ({
      Key: keyAt(deleted, folder + Math.floor(number / KEYS_A_FOLDER), number % KEYS_A_FOLDER),
    }))
    const command = new DeleteObjectsCommand({ Bucket: MANY, Delete: { Objects, Quiet: true } })
    const { Errors = [] } = await client.send(command)
    if (Errors.length > 0) throw new Error(`not deleted: ${Errors[0]?.Code}`)
  }
  client.destroy()
  console.log(`deleted ${folders * KEYS_A_FOLDER} keys in a row in ${seconds(startedAt)} s`)
}

/** Medians of both, asked in turns, so that other work on the machine slows them alike. */
async function compare(server: ServerProcess, cases: readonly Case[]): Promise<void> {
  for (const [what, ...pages] of cases) {
    const times: readonly [number[], number[]] = [[], []]
    for (let round = -WARM_UP; round < Number(options.pages); round++) {
      for (const [index, page] of pages.entries()) {
        const { ms } = await ask(server, page)
        if (round >= 0) times[index]?.push(ms)
      }
    }
    const [many, small] = [median(times[0]), median(times[1])]
    console.log(
      `${what}: ${many.toFixed(1)} ms; in a small bucket ${small.toFixed(1)} ms; ${(many / small).toFixed(2)} times`,
    )
  }
}

async function ask(
  { s3Url }: ServerProcess,
  { bucket, query, entries }: Page,
): Promise<{ readonly ms: number; readonly body: string }> {
  const startedAt = performance.now()
  const reply = await sendRaw(s3Url, { method: 'GET', path: `/${bucket}`, query })
  const ms = performance.now() - startedAt
  const body = reply.body.toString('utf8')
  const found = body.match(/<(Contents|Version|DeleteMarker|CommonPrefixes)>/g)?.length ?? 0
  if (reply.status !== 200 || found !== entries) {
    throw new Error(`${reply.status}, ${found} entries instead of ${entries}: ${JSON.stringify(query)}`)
  }
  return { ms, body }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

function seconds(startedAt: number): string {
  return ((performance.now() - startedAt) / 1000).toFixed(0)
}

try {
  if (options.directory === undefined) await fill()
  await measure()
} finally {
  if (!options.keep && options.directory === undefined) await rm(directory, { recursive: true })
  else console.log(`kept: ${directory}`)
}
