import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { KMS_SPACE, rowsUnder } from '../../../src/kms/keyspace.ts'
import { openLevelStore } from '../../../src/storage/metadata/level-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { kmsWorld, PURGER, rootKey } from '../../support/kms-world.ts'
import { testMark } from '../../support/log-mark.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

async function onDisk() {
  const home = await temporaryDirectory()
  onTestFinished(() => home[Symbol.asyncDispose]())
  const directory = home.join('store')
  const open = () =>
    openLevelStore(directory, {
      mark: testMark,
      onFailure: (error) => {
        throw error
      },
    })
  /** How many files hold each of the values. */
  const holding = async (values: readonly Buffer[]): Promise<number[]> => {
    const files = await Promise.all((await readdir(directory)).map((name) => readFile(join(directory, name))))
    return values.map((value) => files.filter((file) => file.includes(value)).length)
  }
  return { open, holding }
}

const storedVersions = async (store: MetadataStore): Promise<Buffer[]> =>
  (await store.range(KMS_SPACE.version, { ...rowsUnder(Buffer.alloc(0)), limit: 100 })).map(({ value }) => value)

const sweepTwice = async ({ kms, passTime }: Awaited<ReturnType<typeof kmsWorld>>) => {
  const first = await kms.sweep()
  passTime(HOUR_MS)
  const second = await kms.sweep()
  return first.erased + second.erased
}

it.each(['once', 'three times'])('an erased key that was written %s is in no file any more', async (times) => {
  const { open, holding } = await onDisk()
  const store = await open()
  onTestFinished(() => store.close())
  const world = await kmsWorld({ store, settings: { rotateIntervalMs: 0 } })
  // The first sweep compacts what an earlier run may have left.
  await world.kms.sweep()
  const key = await rootKey(world)
  if (times === 'three times') for (let i = 0; i < 2; i++) await world.kms.rotateKey(world.caller, key)
  const sealed = await storedVersions(store)
  await world.kms.deleteKey(world.caller, key, { force: false })
  expect(await holding(sealed)).not.toContain(0)
  world.passTime(30 * DAY_MS)
  expect(await sweepTwice(world)).toBe(1)
  expect(await holding(sealed)).toEqual(sealed.map(() => 0))
  const other = await rootKey(world, 'another')
  world.kms.wrap(world.caller, other, Buffer.alloc(32), [])
})

it('a purged key is in no file any more, at once', async () => {
  const { open, holding } = await onDisk()
  const store = await open()
  onTestFinished(() => store.close())
  const world = await kmsWorld({ store, settings: { rotateIntervalMs: 0 } })
  const key = await rootKey(world)
  await world.kms.rotateKey(world.caller, key)
  const sealed = await storedVersions(store)
  await world.kms.deleteKey(world.caller, key, { force: false })
  world.passTime(4 * HOUR_MS)
  expect(await holding(sealed)).not.toContain(0)
  await world.kms.purgeKey({ ...world.caller, principal: PURGER }, key)
  expect(await holding(sealed)).toEqual(sealed.map(() => 0))
})

it('a run that ended between the erasure and the compaction leaves it to the next', async () => {
  const { open, holding } = await onDisk()
  const first = await open()
  const broken: MetadataStore = { ...first, compact: () => Promise.reject(new Error('made by the test')) }
  const { compact: _compact, ...never } = first
  const world = await kmsWorld({ store: never })
  const key = await rootKey(world)
  const sealed = await storedVersions(first)
  await world.kms.deleteKey(world.caller, key, { force: false })
  world.passTime(30 * DAY_MS)
  expect(await sweepTwice(world)).toBe(1)
  const interrupted = await kmsWorld({ store: broken })
  await expect(interrupted.kms.sweep()).rejects.toThrow('made by the test')
  expect(await holding(sealed)).not.toContain(0)
  await first.close()
  const second = await open()
  onTestFinished(() => second.close())
  await (await kmsWorld({ store: second })).kms.sweep()
  expect(await holding(sealed)).toEqual(sealed.map(() => 0))
})
