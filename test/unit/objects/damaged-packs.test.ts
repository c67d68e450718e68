import { appendFile, mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { BlobStore } from '../../../src/storage/blob/blob-store.ts'
import { openDiskStore } from '../../../src/storage/blob/disk-store.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

let home: string
let stores: BlobStore[]
let runs: number
let stored: ReturnType<typeof memoryStore>
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'coffer-packs-'))
  stores = []
  runs = 0
  stored = memoryStore()
})
afterEach(async () => {
  for (const store of stores) await store.close()
  await rm(home, { recursive: true, force: true })
})

/** The next run over the same rows and files; the last one was killed. */
async function start(options: Parameters<typeof testEngine>[0] = {}) {
  const lease = (++runs).toString(16).padStart(16, '0')
  const onFailure = (error: Error): void => {
    throw error
  }
  const blobs = await openDiskStore(join(home, 'blobs'), { lease, reserveBytes: 0, onFailure })
  stores.push(blobs)
  const run = await testEngine({ stored, blobs: () => blobs, ...options })
  await run.objects.swept
  return run
}

const files = async (): Promise<string[]> =>
  (await readdir(join(home, 'blobs'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** A first run with small objects, all in one pack. */
async function packOf(keys: readonly string[]) {
  const first = await start()
  const bucket = await first.makeBucket()
  for (const key of keys) await first.objects.put({ bucket, key, body: bodyOf(key.repeat(500)), ...plain })
  const [pack = ''] = await files()
  expect(await files()).toHaveLength(1)
  return { bucket, pack, provider: () => first.kms.provider }
}

const keys = ['a', 'b', 'c', 'd']

it('a pack with a damaged tail goes once no object has bytes in it, also when its run was swept before', async () => {
  const { bucket, pack, provider } = await packOf(keys)
  await appendFile(pack, Buffer.alloc(4096))
  const second = await start({ provider })
  for (const key of keys.slice(1)) await second.objects.delete({ bucket, key, conditions: {} })
  await second.objects.garbage.settled()
  const third = await start({ provider })
  expect(await readAll(third.objects, bucket, 'a')).toBe('a'.repeat(500))
  await third.objects.delete({ bucket, key: 'a', conditions: {} })
  await third.objects.garbage.settled()
  expect(await files()).toContain(pack)
  await start({ provider })
  expect(await files()).toEqual([])
})

it('a pack with damage in its middle stays as long as an object behind it has its bytes there', async () => {
  const { bucket, pack, provider } = await packOf(keys)
  const handle = await open(pack, 'r+')
  await handle.write(Buffer.alloc(1), 0, 1, 0)
  await handle.close()
  const second = await start({ provider })
  for (const key of keys.slice(0, 3)) await second.objects.delete({ bucket, key, conditions: {} })
  await second.objects.garbage.settled()
  for (let run = 0; run < 2; run++) {
    const next = await start({ provider })
    expect(await readAll(next.objects, bucket, 'd')).toBe('d'.repeat(500))
  }
})

it('a pack that no row names stays where orphans are to be kept, and where the rows of its run are not there', async () => {
  const { provider } = await packOf(keys)
  const [pack] = await files()
  await start({ stored: memoryStore(), keepOrphans: true })
  await start({ stored: memoryStore() })
  expect(await files()).toEqual([pack])
  await start({ provider })
  expect(await files()).toEqual([pack])
})
