import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { newLease } from '../../../src/base/ids.ts'
import type { Bucket } from '../../../src/objects/buckets.ts'
import { SPACE } from '../../../src/objects/keyspace.ts'
import { type Objects, openObjects } from '../../../src/objects/objects.ts'
import { openDiskStore } from '../../../src/storage/blob/disk-store.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { openNonceSource } from '../../../src/storage/metadata/nonce-source.ts'
import { memoryKeyProvider } from '../../support/fakes/memory-key-provider.ts'

/** An engine in which something else can happen between two steps of an operation. */
interface Engine extends AsyncDisposable {
  readonly objects: Objects
  readonly bucket: Bucket
  /** Once, after a current version was looked up and before whoever asked hears of it. */
  readonly afterLookup: (work: () => Promise<void>) => void
  /** Once, before the commit that ends an upload. */
  readonly beforeCompletion: (work: () => Promise<void>) => void
}

async function openEngine(): Promise<Engine> {
  const directory = await mkdtemp(join(tmpdir(), 'coffer-races-'))
  const stored = memoryStore()
  const hooks: { lookup?: () => Promise<void>; completion?: () => Promise<void> } = {}
  const take = async (name: 'lookup' | 'completion'): Promise<void> => {
    const hook = hooks[name]
    delete hooks[name]
    await hook?.()
  }
  const metadata: MetadataStore = {
    ...stored,
    get: async (space, key) => {
      const entry = await stored.get(space, key)
      if (space === SPACE.head) await take('lookup')
      return entry
    },
    commit: async (writes) => {
      if (writes.some((write) => write.type === 'delete' && write.space === SPACE.upload)) await take('completion')
      return stored.commit(writes)
    },
  }
  const fake = memoryKeyProvider()
  const serviceInstanceCrn = await fake.newServiceInstance()
  await fake.authorize(serviceInstanceCrn)
  const failures: unknown[] = []
  const blobs = await openDiskStore(directory, {
    lease: newLease(),
    reserveBytes: 0,
    onFailure: (error) => failures.push(error),
  })
  const objects = await openObjects({
    metadata,
    blobs,
    provider: fake.provider,
    nonces: await openNonceSource(stored),
    clock: systemClock,
    onBackgroundError: (error) => failures.push(error),
  })
  const bucket = await objects.createBucket({
    name: 'bucket',
    serviceInstanceCrn,
    ownerId: 'owner',
    ownerName: 'owner',
    locationConstraint: '',
    encryption: 'provider-managed',
    rootKeyCrn: await fake.newRootKey(),
  })
  return {
    objects,
    bucket,
    afterLookup: (work) => {
      hooks.lookup = work
    },
    beforeCompletion: (work) => {
      hooks.completion = work
    },
    [Symbol.asyncDispose]: async () => {
      await objects.close()
      await blobs.close()
      await rm(directory, { recursive: true })
      expect(failures).toEqual([])
    },
  }
}

const bodyOf = (text: string) => ({
  stream: (async function* () {
    yield Buffer.from(text)
  })(),
  lengthBytes: text.length,
})
const plain = { attributes: { headers: {}, userMetadata: {} }, conditions: {} }

let engine: Engine
beforeEach(async () => {
  engine = await openEngine()
})
afterEach(() => engine[Symbol.asyncDispose]())

const put = (key: string, text: string) =>
  engine.objects.put({ bucket: engine.bucket, key, body: bodyOf(text), ...plain })

async function read(key: string): Promise<string> {
  using object = await engine.objects.open({ bucket: engine.bucket, key })
  let text = ''
  for await (const chunk of object.read({ start: 0, end: object.manifest.sizeBytes })) text += chunk.toString()
  return text
}

async function newUpload(key: string) {
  const { objects, bucket } = engine
  const { uploadId } = await objects.createUpload({ bucket, key, attributes: plain.attributes })
  const upload = await objects.findUpload({ bucket, key, uploadId })
  const send = (number: number, text: string) => objects.uploadPart(upload, number, bodyOf(text))
  const complete = (...parts: { number: number; etag: string }[]) =>
    objects.completeUpload({ bucket, key, uploadId, parts, conditions: {} })
  return { upload, send, complete }
}

describe('a read between whose lookup and first byte the object is', () => {
  it.each(['deleted', 'replaced'])('%s still gets the bytes that it found', async (fate) => {
    const { objects, bucket } = engine
    await put('key', 'before')
    engine.afterLookup(async () => {
      if (fate === 'deleted') await objects.delete({ bucket, key: 'key', conditions: {} })
      else await put('key', 'after')
      // As much time as the collector could want.
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
    })
    expect(await read('key')).toBe('before')
    await objects.garbage.settled()
  })
})

describe('an upload between whose last look at its parts and its end', () => {
  it('a part is replaced by another is not completed with the one that is gone', async () => {
    const { send, complete } = await newUpload('key')
    const first = await send(1, 'first')
    engine.beforeCompletion(async () => void (await send(1, 'second')))
    await expect(complete(first)).rejects.toMatchObject({ code: 'InvalidPart' })
    await engine.objects.garbage.settled()
    const third = await send(1, 'third')
    await complete(third)
    expect(await read('key')).toBe('third')
  })

  it('a part is replaced by the same bytes is completed with those', async () => {
    const { send, complete } = await newUpload('key')
    const part = await send(1, 'same')
    engine.beforeCompletion(async () => void (await send(1, 'same')))
    await complete(part)
    await engine.objects.garbage.settled()
    expect(await read('key')).toBe('same')
  })

  it('a further part arrives is completed without it', async () => {
    const { send, complete } = await newUpload('key')
    const part = await send(1, 'named')
    engine.beforeCompletion(async () => void (await send(2, 'late')))
    await complete(part)
    expect(await read('key')).toBe('named')
  })

  it('is aborted is not completed', async () => {
    const { upload, send, complete } = await newUpload('key')
    const part = await send(1, 'aborted')
    engine.beforeCompletion(() => engine.objects.abortUpload(upload))
    await expect(complete(part)).rejects.toMatchObject({ code: 'NoSuchUpload' })
    await expect(read('key')).rejects.toMatchObject({ code: 'NoSuchKey' })
  })

  it('a part is sent again is aborted all the same', async () => {
    const { upload, send, complete } = await newUpload('key')
    const part = await send(1, 'first')
    engine.beforeCompletion(async () => void (await send(1, 'second')))
    await engine.objects.abortUpload(upload)
    await expect(complete(part)).rejects.toMatchObject({ code: 'NoSuchUpload' })
    await expect(engine.objects.abortUpload(upload)).rejects.toMatchObject({ code: 'NoSuchUpload' })
  })

  it('is completed by another request answers the same', async () => {
    const { send, complete } = await newUpload('key')
    const part = await send(1, 'twice')
    engine.beforeCompletion(async () => void (await complete(part)))
    expect((await complete(part)).etag).toMatch(/^[0-9a-f]{32}-1$/)
    expect(await read('key')).toBe('twice')
  })

  it('is completed refuses the part that comes later', async () => {
    const { send, complete } = await newUpload('key')
    await complete(await send(1, 'done'))
    await expect(send(1, 'late')).rejects.toMatchObject({ code: 'NoSuchUpload' })
    await engine.objects.garbage.settled()
    expect(await read('key')).toBe('done')
  })
})
