import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCode } from '../../../src/base/errors.ts'
import type { Bucket } from '../../../src/objects/buckets.ts'
import { rowsUnder, SPACE, splitVersionKey } from '../../../src/objects/keyspace.ts'
import type { ListedVersion } from '../../../src/objects/list-versions.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import { decodeObject, decodeVersion, isMarker } from '../../../src/objects/records.ts'
import { openLevelStore } from '../../../src/storage/metadata/level-store.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { diceFrom } from '../../support/content.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'
import { type Deed, disorder } from '../../support/linearizable.ts'
import { testMark } from '../../support/log-mark.ts'
import { type ModelKey, model, nameOf, nothing } from '../../support/version-model.ts'

const everything = { gte: Buffer.alloc(0), lt: rowsUnder(Buffer.from([0xff])).lt, limit: 100_000 }
const KEYS = ['k', 'k!', 'd/k']

const put = async (objects: Objects, bucket: Bucket, key: string, text: string): Promise<string> =>
  (await objects.put({ bucket, key, body: bodyOf(text), ...plain })).versionId

const remove = (objects: Objects, bucket: Bucket, key: string, versionId?: string) =>
  objects.delete({ bucket, key, versionId, conditions: {} })

/** Undefined when there is nothing to read. */
async function read(objects: Objects, bucket: Bucket, key: string, versionId?: string): Promise<string | undefined> {
  try {
    using object = await objects.open({ bucket, key, versionId })
    if (versionId !== undefined) expect(object.versionId).toBe(versionId)
    const chunks: Buffer[] = []
    for await (const chunk of object.read({ start: 0, end: object.manifest.sizeBytes })) chunks.push(Buffer.from(chunk))
    return Buffer.concat(chunks).toString()
  } catch (error) {
    if (hasCode(error, 'NoSuchKey', 'NoSuchVersion', 'DeleteMarker')) return undefined
    throw error
  }
}

async function listed(objects: Objects, bucket: Bucket, prefix = ''): Promise<readonly ListedVersion[]> {
  const page = { bucket, prefix, delimiter: '', keyMarker: '', versionIdMarker: '', limit: 1000 }
  return (await objects.listVersions(page)).items
}

/** What is promised of the rows of every key, whatever was done. */
async function expectRowsInOrder(stored: MetadataStore): Promise<void> {
  const heads = new Map(
    (await stored.range(SPACE.head, everything)).map(({ key, value }) => [key.toString('hex'), value]),
  )
  const histories = new Map(
    (await stored.range(SPACE.history, everything)).map(({ key, value }) => [key.toString('hex'), value]),
  )
  const rows = Map.groupBy(await stored.range(SPACE.version, everything), ({ key }) =>
    key.subarray(0, -9).toString('hex'),
  )
  expect([...histories.keys()].sort()).toEqual([...rows.keys()].sort())
  for (const [key, ofKey] of rows) {
    const orders = ofKey.map((row) => splitVersionKey(row.key).order)
    const records = ofKey.map(({ value }) => decodeVersion(value))
    const nullAt = records.findIndex(({ versionId }) => versionId === 'null')
    expect(records.filter(({ versionId }) => versionId === 'null').length).toBeLessThanOrEqual(1)
    const history = Buffer.alloc(nullAt < 0 ? 8 : 16)
    history.writeBigUInt64BE(orders[0] ?? 0n)
    if (nullAt >= 0) history.writeBigUInt64BE(orders[nullAt] ?? 0n, 8)
    expect(histories.get(key)?.toString('hex')).toBe(history.toString('hex'))
    const head = heads.get(key)
    if (!head) expect(records[0] && isMarker(records[0])).toBe(true)
    else if (nullAt >= 0) expect(decodeObject(head).versionId).not.toBe('null')
  }
}

type Command =
  | { readonly do: 'put'; readonly key: string; readonly text: string }
  | { readonly do: 'delete'; readonly key: string }
  | { readonly do: 'delete version'; readonly key: string; readonly at: number }
  | { readonly do: 'mode'; readonly mode: 'Enabled' | 'Suspended' }
  | { readonly do: 'time'; readonly byMs: number }

const key = fc.constantFrom(...KEYS)
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), key, text: fc.string({ maxLength: 20 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('delete version' as const), key, at: fc.nat({ max: 6 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('mode' as const),
      mode: fc.constantFrom('Enabled' as const, 'Suspended' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('time' as const), byMs: fc.integer({ min: -5000, max: 5000 }) }),
  },
)

async function follow(stored: MetadataStore, commands: readonly Command[], name: string): Promise<void> {
  const engine = await testEngine({ stored })
  const { objects, time } = engine
  const bucket = await objects.createBucket({ ...engine.newBucket, name })
  const state = new Map<string, ModelKey>(KEYS.map((each) => [each, nothing]))
  const of = (at: string): ModelKey => state.get(at) ?? nothing
  const becomes = (at: string, effect: (now: ModelKey) => ModelKey | undefined) => {
    const next = effect(of(at))
    expect(next, `${at}: ${nameOf(of(at))}`).toBeDefined()
    if (next) state.set(at, next)
  }
  for (const each of commands) {
    if (each.do === 'put') becomes(each.key, model.put(each.text, await put(objects, bucket, each.key, each.text)))
    else if (each.do === 'delete') becomes(each.key, model.delete(await remove(objects, bucket, each.key)))
    else if (each.do === 'delete version') {
      const id = of(each.key).versions[each.at]?.id ?? 'null'
      becomes(each.key, model.deleteVersion(id, await remove(objects, bucket, each.key, id)))
    } else if (each.do === 'mode') {
      await objects.setVersioning(bucket, each.mode)
      for (const at of KEYS) becomes(at, model.setMode(each.mode))
    } else if (each.do === 'time') time.nowMs += each.byMs
    for (const at of KEYS) expect(await read(objects, bucket, at)).toBe(of(at).versions[0]?.text)
    expect(await listed(objects, bucket)).toMatchObject(
      [...KEYS].sort().flatMap((at) =>
        of(at).versions.map(({ id, text }, index) => ({
          key: at,
          versionId: id,
          isLatest: index === 0,
          deleteMarker: text === undefined,
          sizeBytes: Buffer.byteLength(text ?? ''),
        })),
      ),
    )
    expect((await objects.recount()).differences).toEqual([])
    const behind = KEYS.flatMap((at) => of(at).versions.slice(1)).flatMap(({ text }) => text ?? [])
    expect(await objects.versionTotals(bucket)).toEqual({
      noncurrentObjects: behind.length,
      noncurrentBytes: behind.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
      deleteMarkers: KEYS.flatMap((at) => of(at).versions).filter(({ text }) => text === undefined).length,
    })
    await expectRowsInOrder(stored)
  }
  const all = KEYS.flatMap((at) => of(at).versions.map((version) => ({ at, ...version })))
  for (const { at, id, text } of all) expect(await read(objects, bucket, at, id)).toBe(text)
  const live = all.filter(({ text }) => text !== undefined)
  expect(await objects.bucketUsage(bucket)).toEqual({
    objects: live.length,
    bytes: live.reduce((sum, { text }) => sum + Buffer.byteLength(text ?? ''), 0),
    uploads: 0,
  })
  if (all.length > 0) await expect(objects.deleteBucket(bucket)).rejects.toMatchObject({ code: 'BucketNotEmpty' })
  for (const { at, id } of all) await remove(objects, bucket, at, id)
  await objects.garbage.settled()
  expect(engine.disk.size).toBe(0)
  for (const space of [SPACE.head, SPACE.version, SPACE.history, SPACE.blob]) {
    expect(await stored.range(space, everything)).toEqual([])
  }
  await objects.deleteBucket(bucket)
  await objects.close()
  expect(engine.failures).toEqual([])
}

describe('versions of keys', () => {
  it('are what S3 says after any sequence of requests', { timeout: 120_000 }, async () => {
    const sequences = fc.array(command, { minLength: 3, maxLength: 25 })
    await fc.assert(
      fc.asyncProperty(sequences, (commands) => follow(memoryStore(), commands, 'bucket')),
      { numRuns: 60 },
    )
  })

  it('are so in a store on disk too', { timeout: 120_000 }, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'coffer-versions-'))
    const store = await openLevelStore(join(directory, 'metadata'), {
      mark: testMark,
      onFailure: (error) => {
        throw error
      },
    })
    try {
      const sequences = fc.array(command, { minLength: 15, maxLength: 30 })
      let run = 0
      await fc.assert(
        fc.asyncProperty(sequences, (commands) => follow(store, commands, `bucket-${run++}`)),
        { numRuns: 4 },
      )
    } finally {
      await store.close()
      await rm(directory, { recursive: true })
    }
  })

  it('are there after a restart, and go on above those before though the clock was set back', async () => {
    const stored = memoryStore()
    const disk = new Map()
    const first = await testEngine({ stored, disk })
    const bucket = await first.makeBucket()
    await first.objects.setVersioning(bucket, 'Enabled')
    const ids = [await put(first.objects, bucket, 'k', 'one'), await put(first.objects, bucket, 'k', 'two')]
    await first.objects.close()
    const second = await testEngine({ stored, disk, kms: first.kms, lease: '1'.repeat(16) })
    second.time.nowMs -= 100_000
    const same = second.objects.buckets.get('bucket')
    expect(same.versioning).toBe('Enabled')
    ids.push(await put(second.objects, same, 'k', 'three'))
    expect((await listed(second.objects, same)).map(({ versionId }) => versionId)).toEqual([...ids].reverse())
    expect(await Promise.all(ids.map((id) => read(second.objects, same, 'k', id)))).toEqual(['one', 'two', 'three'])
  })
})

/** A store in which everything takes its time. */
const slow = (seed: string) => {
  const dice = diceFrom(seed)
  const wait = async (): Promise<void> => {
    for (let turns = dice.below(6); turns > 0; turns--) await new Promise(setImmediate)
  }
  return (inner: MetadataStore): MetadataStore => ({
    ...inner,
    get: async (space, row) => {
      await wait()
      const entry = await inner.get(space, row)
      await wait()
      return entry
    },
    range: async (space, range) => {
      await wait()
      return inner.range(space, range)
    },
    commit: async (writes) => {
      await wait()
      return inner.commit(writes)
    },
  })
}

/** Many clients at one key; every answer must fit one order of what they did. */
async function race(seed: string): Promise<string | undefined> {
  const dice = diceFrom(seed)
  const stored = memoryStore()
  const { objects, makeBucket } = await testEngine({ stored, metadata: slow(`${seed} store`) })
  const bucket = await makeBucket()
  const mode = dice.pick(['Enabled', 'Enabled', 'Suspended', 'none'] as const)
  const deeds: Deed<ModelKey>[] = []
  const known = ['null']
  let events = 0
  let made = 0
  const perform = async <T>(
    text: (answer: T) => string,
    work: () => Promise<T>,
    effect: (answer: T) => Deed<ModelKey>['effect'],
  ): Promise<void> => {
    const calledAt = events++
    const answer = await work()
    deeds.push({ text: text(answer), calledAt, endedAt: events++, effect: effect(answer), unsure: false })
  }
  const client = async (requests: number): Promise<void> => {
    for (let count = 0; count < requests; count++) {
      const roll = dice.below(20)
      const id = dice.pick(known.slice(-5))
      if (roll < 6) {
        const content = `text ${made++}`
        await perform(
          (got) => `put ${content} as ${got}`,
          async () => {
            const got = await put(objects, bucket, 'k', content)
            known.push(got)
            return got
          },
          (got) => model.put(content, got),
        )
      } else if (roll < 10) {
        await perform(
          ({ versionId }) => `delete: ${versionId}`,
          async () => {
            const deleted = await remove(objects, bucket, 'k')
            if (deleted.versionId !== undefined) known.push(deleted.versionId)
            return deleted
          },
          model.delete,
        )
      } else if (roll < 15) {
        await perform(
          ({ deleteMarker }) => `delete ${id}: ${deleteMarker}`,
          () => remove(objects, bucket, 'k', id),
          (answer) => model.deleteVersion(id, answer),
        )
      } else if (roll < 16) {
        await perform(
          (got) => `read: ${got}`,
          () => read(objects, bucket, 'k'),
          (got) => model.read(got),
        )
      } else if (roll < 17) {
        await perform(
          (got) => `read ${id}: ${got}`,
          () => read(objects, bucket, 'k', id),
          (got) => model.read(got, id),
        )
      } else if (roll < 18) {
        const work = async () => (await listed(objects, bucket)).map(({ versionId }) => versionId)
        await perform((ids) => `list ${ids.join(', ')}`, work, model.list)
      } else if (roll < 19) {
        // Seen by nobody, but for the tokens of rows.
        await objects.changeProperties({ bucket, key: 'k', versionId: id }, (now) => now).catch(() => undefined)
      } else {
        const next = dice.pick(['Enabled', 'Enabled', 'Suspended'] as const)
        const work = () => objects.setVersioning(bucket, next)
        await perform(
          () => `set ${next}`,
          work,
          () => model.setMode(next),
        ).catch((error: unknown) => {
          if (!hasCode(error, 'BucketBusy')) throw error
        })
      }
    }
  }
  if (mode !== 'none')
    await perform(
      () => `set ${mode}`,
      () => objects.setVersioning(bucket, mode),
      () => model.setMode(mode),
    )
  await client(4)
  await Promise.all(Array.from({ length: 2 + dice.below(4) }, () => client(2 + dice.below(4))))
  await perform(
    (ids) => `list ${ids.join(', ')}`,
    async () => (await listed(objects, bucket)).map(({ versionId }) => versionId),
    model.list,
  )
  await expectRowsInOrder(stored)
  expect((await objects.recount()).differences).toEqual([])
  return disorder(deeds, { initial: nothing, nameOf })
}

describe('requests for one key at the same time', () => {
  it('that take away its null version and the delete marker behind it leave what is older than both as the current one', async () => {
    const stored = memoryStore()
    let meanwhile: (() => Promise<unknown>) | undefined
    const { objects, makeBucket } = await testEngine({
      stored,
      metadata: (inner) => ({
        ...inner,
        commit: async (writes) => {
          const act = meanwhile
          meanwhile = undefined
          await act?.()
          return inner.commit(writes)
        },
      }),
    })
    await makeBucket()
    const bucket = () => objects.buckets.get('bucket')
    await objects.setVersioning(bucket(), 'Enabled')
    const oldest = await put(objects, bucket(), 'k', 'oldest')
    const { versionId: marker } = await remove(objects, bucket(), 'k')
    await objects.setVersioning(bucket(), 'Suspended')
    await put(objects, bucket(), 'k', 'null')
    meanwhile = () => remove(objects, bucket(), 'k', 'null')
    await remove(objects, bucket(), 'k', marker)
    expect(await read(objects, bucket(), 'k')).toBe('oldest')
    expect((await listed(objects, bucket())).map(({ versionId, isLatest }) => [versionId, isLatest])).toEqual([
      [oldest, true],
    ])
    await expectRowsInOrder(stored)
  })

  it('have answers that fit one order', { timeout: 300_000 }, async () => {
    const count = Number(process.env['COFFER_SIM_SEEDS'] ?? 150)
    const first = Number(process.env['COFFER_SIM_FIRST'] ?? 1)
    const failed: string[] = []
    for (let seed = first; seed < first + count; seed++) {
      const found = await race(String(seed))
      if (found) failed.push(`seed ${seed}: ${found}`)
    }
    expect(failed.slice(0, 3)).toEqual([])
  })
})
