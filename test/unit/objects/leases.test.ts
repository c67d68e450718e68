import { describe, expect, it } from 'vitest'
import { CodedError } from '../../../src/base/errors.ts'
import type { BlobId, BlobStore } from '../../../src/storage/blob/blob-store.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

const lease = (run: number): string => run.toString(16).padStart(16, '0')

/** Runs of a process, one after the other, over the same stores. */
function runs() {
  const stored = memoryStore()
  const disk = new Map<BlobId, Buffer>()
  let run = 0
  const start = (options: Parameters<typeof testEngine>[0] = {}) =>
    testEngine({ stored, disk, lease: lease(++run), ...options })
  return { stored, disk, start }
}

describe('what a run leaves on the disk', () => {
  it('by an upload that was cut short is gone after the next start, and nothing else is', async () => {
    const { disk, start } = runs()
    const first = await start()
    const bucket = await first.makeBucket()
    await first.objects.put({ bucket, key: 'kept', body: bodyOf('kept'), ...plain })
    disk.set(`${lease(1)}/half written`, Buffer.from('half'))
    const second = await start()
    disk.set(`${lease(2)}/being written`, Buffer.from('not named yet'))
    await second.objects.swept
    expect([...disk.keys()].sort()).toEqual([`${lease(1)}/00000000`, `${lease(2)}/being written`])
  })

  it('by a commit that found no space is removed at once', async () => {
    const { disk, start } = runs()
    let full = false
    const { objects, makeBucket } = await start({
      metadata: (inner) => ({
        ...inner,
        commit: (writes) =>
          full ? Promise.reject(new CodedError('NoSpace', 'the disk is full')) : inner.commit(writes),
      }),
    })
    const bucket = await makeBucket()
    full = true
    const put = objects.put({ bucket, key: 'key', body: bodyOf('text'), ...plain })
    await expect(put).rejects.toMatchObject({ code: 'NoSpace' })
    expect(disk.size).toBe(0)
  })

  it.each(['put', 'remove'] as const)(
    'by a %s that failed is looked for though it stopped in good order',
    async (what) => {
      const { disk, start } = runs()
      const failing = (inner: BlobStore): BlobStore => ({
        ...inner,
        ...(what === 'remove'
          ? { remove: async (ids) => [...ids] }
          : {
              put: async (body, lengthBytes) => {
                await inner.put(body, lengthBytes)
                throw new CodedError('BlobStoreFailed', 'the reply was lost')
              },
            }),
      })
      const first = await start({ blobs: failing })
      const bucket = await first.makeBucket()
      const body = { ...bodyOf('orphan'), contentMd5: Buffer.alloc(16) }
      const code = what === 'put' ? 'BlobStoreFailed' : 'BadDigest'
      await expect(first.objects.put({ bucket, key: 'key', body, ...plain })).rejects.toMatchObject({ code })
      await first.objects.close()
      expect(disk.size).toBe(1)
      const second = await start()
      await second.objects.swept
      expect(disk.size).toBe(0)
    },
  )

  it('by a commit of unknown outcome is looked for though it stopped in good order', async () => {
    const { disk, start } = runs()
    const hooks = { lose: false }
    const first = await start({
      metadata: (inner) => ({
        ...inner,
        commit: async (writes) => {
          if (hooks.lose) throw new CodedError('CommitUnknown', 'the request was lost')
          return inner.commit(writes)
        },
      }),
    })
    const bucket = await first.makeBucket()
    hooks.lose = true
    const put = first.objects.put({ bucket, key: 'key', body: bodyOf('orphan'), ...plain })
    await expect(put).rejects.toMatchObject({ code: 'CommitUnknown' })
    hooks.lose = false
    await first.objects.close()
    expect(disk.size).toBe(1)
    const second = await start()
    await second.objects.swept
    expect(disk.size).toBe(0)
  })

  it('by a request that outlives the stop is looked for', async () => {
    const { disk, start } = runs()
    const first = await start()
    const bucket = await first.makeBucket()
    const gate = Promise.withResolvers<void>()
    const stream = (async function* () {
      yield Buffer.from('late')
      await gate.promise
    })()
    const late = first.objects.put({ bucket, key: 'late', body: { stream, lengthBytes: undefined }, ...plain })
    // Its draft has begun.
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    await first.objects.close()
    disk.set(`${lease(1)}/of the late request`, Buffer.from('orphan'))
    gate.resolve()
    await late.catch(() => undefined)
    const second = await start()
    await second.objects.swept
    expect([...disk.keys()]).not.toContain(`${lease(1)}/of the late request`)
  })

  it('and could not be removed is tried again after the start that follows', async () => {
    const { disk, start } = runs()
    await (await start()).makeBucket()
    disk.set(`${lease(1)}/orphan`, Buffer.from('orphan'))
    const second = await start({ blobs: (inner) => ({ ...inner, remove: async (ids) => [...ids] }) })
    await second.objects.swept
    expect(disk.size).toBe(1)
    const third = await start()
    await third.objects.swept
    expect(disk.size).toBe(0)
  })

  it('is not looked through again when nothing can have been left', async () => {
    const { start } = runs()
    const first = await start()
    const bucket = await first.makeBucket()
    await first.objects.put({ bucket, key: 'kept', body: bodyOf('kept'), ...plain })
    await first.objects.close()
    const listed: string[] = []
    const second = await start({
      blobs: (inner) => ({
        ...inner,
        list: (ofLease, after, limit) => {
          listed.push(ofLease)
          return inner.list(ofLease, after, limit)
        },
      }),
    })
    await second.objects.swept
    expect(listed).toEqual([])
  })

  it('is kept when the rows of its run are not there, and is whole when they are back', async () => {
    const { stored, disk, start } = runs()
    const first = await start()
    const bucket = await first.makeBucket()
    await first.objects.put({ bucket, key: 'kept', body: bodyOf('kept'), ...plain })
    const empty = await start({ stored: memoryStore() })
    await empty.objects.swept
    await empty.objects.garbage.settled()
    expect(disk.size).toBe(1)
    await empty.objects.close()
    const restored = await start({ stored, provider: () => first.kms.provider })
    await restored.objects.swept
    expect(await readAll(restored.objects, bucket, 'kept')).toBe('kept')
  })

  it('is kept in a run that must keep orphans, whose own lease stays open', async () => {
    const { disk, start } = runs()
    await start()
    disk.set(`${lease(1)}/orphan`, Buffer.from('orphan'))
    const second = await start({ keepOrphans: true })
    await second.objects.swept
    disk.set(`${lease(2)}/orphan`, Buffer.from('orphan'))
    await second.objects.close()
    expect(disk.size).toBe(2)
    const third = await start()
    await third.objects.swept
    expect(disk.size).toBe(0)
  })

  it('takes no bytes once it was found to be complete', async () => {
    const { disk, start } = runs()
    const first = await start()
    const bucket = await first.makeBucket()
    await first.objects.close()
    const put = first.objects.put({ bucket, key: 'key', body: bodyOf('late'), ...plain })
    await expect(put).rejects.toMatchObject({ code: 'BlobStoreFailed' })
    expect(disk.size).toBe(0)
  })
})

describe('garbage', () => {
  it('that a run did not get to is removed by the next, also when its sweep fails', async () => {
    const { disk, start } = runs()
    const first = await start({ blobs: (inner) => ({ ...inner, remove: async (ids) => [...ids] }) })
    const bucket = await first.makeBucket()
    await first.objects.put({ bucket, key: 'key', body: bodyOf('old'), ...plain })
    await first.objects.put({ bucket, key: 'key', body: bodyOf('new'), ...plain })
    await first.objects.garbage.settled()
    expect(disk.size).toBe(2)
    const leases = () => Promise.reject(new CodedError('BlobStoreFailed', 'cannot list'))
    const second = await start({ blobs: (inner) => ({ ...inner, leases }) })
    await second.objects.swept
    for (let turn = 0; turn < 100 && disk.size > 1; turn++) await new Promise(setImmediate)
    expect(disk.size).toBe(1)
    expect(second.failures).toMatchObject([{ code: 'BlobStoreFailed' }])
  })

  it('waits for the readers of the bytes, all of them', async () => {
    const { disk, start } = runs()
    const { objects, makeBucket } = await start()
    const bucket = await makeBucket()
    await objects.put({ bucket, key: 'key', body: bodyOf('old'), ...plain })
    const readers = [await objects.open({ bucket, key: 'key' }), await objects.open({ bucket, key: 'key' })]
    await objects.put({ bucket, key: 'key', body: bodyOf('new'), ...plain })
    for (const reader of readers) {
      await objects.garbage.settled()
      expect(disk.size).toBe(2)
      const chunks: Buffer[] = []
      for await (const chunk of reader.read({ start: 0, end: 3 })) chunks.push(Buffer.from(chunk))
      expect(Buffer.concat(chunks).toString()).toBe('old')
      reader[Symbol.dispose]()
    }
    await objects.garbage.settled()
    expect(disk.size).toBe(1)
  })

  it('that cannot be removed does not keep other garbage', async () => {
    const { disk, start } = runs()
    const stuck: string[] = []
    const { objects, makeBucket, failures } = await start({
      blobs: (inner) => ({
        ...inner,
        remove: async (ids) => {
          if (ids.some((id) => stuck.includes(id))) throw new CodedError('BlobStoreFailed', 'bad sector')
          return inner.remove(ids)
        },
      }),
    })
    const bucket = await makeBucket()
    await objects.put({ bucket, key: 'a', body: bodyOf('a'), ...plain })
    await objects.put({ bucket, key: 'b', body: bodyOf('b'), ...plain })
    stuck.push([...disk.keys()][0] ?? '')
    await objects.delete({ bucket, key: 'a', conditions: {} })
    await objects.delete({ bucket, key: 'b', conditions: {} })
    await objects.garbage.settled()
    expect([...disk.keys()]).toEqual(stuck)
    expect(failures.length).toBeGreaterThan(0)
    stuck.length = 0
    await objects.garbage.settled()
    expect(disk.size).toBe(0)
  })
})

describe('a body', () => {
  it('shorter than was said leaves nothing', async () => {
    const { disk, start } = runs()
    const { objects, makeBucket } = await start()
    const bucket = await makeBucket()
    const put = objects.put({ bucket, key: 'key', body: bodyOf('short', 10), ...plain })
    await expect(put).rejects.toMatchObject({ code: 'BlobTorn' })
    await expect(readAll(objects, bucket, 'key')).rejects.toMatchObject({ code: 'NoSuchKey' })
    expect(disk.size).toBe(0)
  })
})
