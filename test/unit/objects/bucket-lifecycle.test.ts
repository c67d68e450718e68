import { describe, expect, it } from 'vitest'
import { CodedError } from '../../../src/base/errors.ts'
import { SPACE } from '../../../src/objects/keyspace.ts'
import type { MetadataStore, Write } from '../../../src/storage/metadata/metadata-store.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

type Hook = (commit: () => Promise<boolean>) => Promise<boolean>
const unknown = () => new CodedError('CommitUnknown', 'the reply was lost')
const lostBefore: Hook = () => Promise.reject(unknown())
const lostAfter: Hook = async (commit) => {
  await commit()
  throw unknown()
}

/** An engine whose next commits of a bucket's row meet a fate each. */
async function engine() {
  const fates: Hook[] = []
  const registered: string[] = []
  const writesBucket = (writes: readonly Write[]): boolean =>
    writes.some((write) => write.type !== 'add' && write.type !== 'check' && write.space === SPACE.bucket)
  const metadata = (inner: MetadataStore): MetadataStore => ({
    ...inner,
    commit: (writes) => {
      const fate = writesBucket(writes) ? fates.shift() : undefined
      return fate ? fate(() => inner.commit(writes)) : inner.commit(writes)
    },
  })
  const made = await testEngine({
    metadata,
    provider: (inner) => ({
      ...inner,
      register: async (_call, { resourceCrn }) => void registered.push(resourceCrn),
      deregister: async (_call, { resourceCrn }) => void registered.splice(registered.indexOf(resourceCrn), 1),
    }),
  })
  return { ...made, fates, registered }
}

describe('creating a bucket', () => {
  it('whose reply is lost after it took place succeeds', async () => {
    const { objects, makeBucket, fates, registered } = await engine()
    fates.push(lostAfter)
    const bucket = await makeBucket()
    await objects.put({ bucket, key: 'key', body: bodyOf('text'), ...plain })
    expect(await readAll(objects, bucket, 'key')).toBe('text')
    expect(registered).toHaveLength(1)
  })

  it('of unknown outcome keeps the registration of its key', async () => {
    const { objects, makeBucket, fates, registered } = await engine()
    fates.push(lostBefore)
    await expect(makeBucket()).rejects.toMatchObject({ code: 'CommitUnknown' })
    expect(registered).toHaveLength(1)
    expect(objects.buckets.find('bucket')).toBeUndefined()
  })

  it('twice at once succeeds once, and keeps the registration of the one', async () => {
    const { makeBucket, registered } = await engine()
    const results = await Promise.allSettled([makeBucket(), makeBucket()])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'BucketAlreadyOwnedByYou' },
    })
    expect(new Set(registered).size).toBe(1)
  })

  it('that loses to one under another key takes its own registration back', async () => {
    const { objects, makeBucket, newBucket, kms, registered } = await engine()
    const other = { ...newBucket, rootKeyCrn: await kms.newRootKey(), serviceInstanceCrn: newBucket.serviceInstanceCrn }
    await Promise.allSettled([makeBucket(), objects.createBucket(other)])
    expect(registered).toHaveLength(1)
  })
})

describe('deleting a bucket', () => {
  it('that holds objects disturbs no write', async () => {
    const { objects, makeBucket } = await engine()
    const bucket = await makeBucket()
    await objects.put({ bucket, key: 'first', body: bodyOf('text'), ...plain })
    const puts = Array.from({ length: 40 }, (_, number) =>
      objects.put({ bucket, key: `key-${number}`, body: bodyOf('text'), ...plain }),
    )
    const deletes = Array.from({ length: 40 }, () => objects.deleteBucket(objects.buckets.get('bucket')))
    const refused = await Promise.allSettled(deletes)
    expect(new Set(refused.map((one) => one.status === 'rejected' && one.reason.code))).toEqual(
      new Set(['BucketNotEmpty']),
    )
    await expect(Promise.all(puts)).resolves.toHaveLength(40)
  })

  it('while an object is written loses neither', async () => {
    for (let delay = 0; delay < 40; delay++) {
      const { objects, makeBucket } = await engine()
      const bucket = await makeBucket()
      const put = objects.put({ bucket, key: 'key', body: bodyOf('text'), ...plain })
      for (let turn = 0; turn < delay; turn++) await new Promise(setImmediate)
      const [written, deleted] = await Promise.allSettled([put, objects.deleteBucket(objects.buckets.get('bucket'))])
      // Not both; that both fail is no loss.
      if (written.status === 'fulfilled') {
        expect(deleted).toMatchObject({ status: 'rejected', reason: { code: 'BucketNotEmpty' } })
        expect(await readAll(objects, objects.buckets.get('bucket'), 'key')).toBe('text')
      } else expect(['NoSuchBucket', 'BucketBusy']).toContain(written.reason.code)
    }
  })

  it('takes its unfinished uploads and their parts along', async () => {
    const { objects, makeBucket, disk } = await engine()
    const bucket = await makeBucket()
    const { uploadId } = await objects.createUpload({ bucket, key: 'key', attributes: plain.attributes })
    const upload = await objects.findUpload({ bucket, key: 'key', uploadId })
    await objects.uploadPart(upload, 1, bodyOf('part'))
    const late = objects.uploadPart(upload, 2, bodyOf('late'))
    await objects.deleteBucket(bucket)
    await late.catch((error: unknown) => expect(error).toMatchObject({ code: 'NoSuchUpload' }))
    await objects.garbage.settled()
    expect(disk.size).toBe(0)
  })

  it.each([
    ['the mark, before it is set', [lostBefore]],
    ['the mark, after it is set', [lostAfter]],
    ['the removal, before it takes place', [(commit: () => Promise<boolean>) => commit(), lostBefore]],
    ['the mark and then the opening', [lostAfter, lostBefore, lostAfter]],
  ] as const)('leaves a usable bucket when a reply is lost: %s', async (_name, fate) => {
    const { objects, makeBucket, fates } = await engine()
    const bucket = await makeBucket()
    fates.push(...fate)
    await expect(objects.deleteBucket(bucket)).rejects.toMatchObject({ code: 'CommitUnknown' })
    const now = objects.buckets.get('bucket')
    await objects.put({ bucket: now, key: 'key', body: bodyOf('text'), ...plain })
    expect(await readAll(objects, now, 'key')).toBe('text')
  })

  it('whose reply is lost after it took place succeeds', async () => {
    const { objects, makeBucket, fates, registered } = await engine()
    const bucket = await makeBucket()
    fates.push((commit) => commit(), lostAfter)
    await objects.deleteBucket(bucket)
    expect(objects.buckets.find('bucket')).toBeUndefined()
    expect(registered).toEqual([])
    await makeBucket()
  })

  it('that a crash interrupted leaves it open', async () => {
    const { objects, makeBucket, fates, stored, disk } = await engine()
    const bucket = await makeBucket()
    const stopped = Promise.withResolvers<boolean>()
    fates.push(
      (commit) => commit(),
      () => stopped.promise,
    )
    void objects.deleteBucket(bucket)
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
    expect(objects.buckets.get('bucket').deleting).toBe(true)
    const next = await testEngine({ stored, disk, lease: '1'.repeat(16) })
    expect(next.objects.buckets.get('bucket').deleting).toBe(false)
  })
})
