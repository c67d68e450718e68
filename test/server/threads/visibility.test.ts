import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startHouse, type TestHouse } from '../../support/house.ts'
import { type KeyOwner, keyOwner } from '../../support/keys.ts'
import { makeBucket } from '../../support/s3.ts'
import { type Thread, type ThreadClients, threadClients } from '../../support/thread-clients.ts'

let test: TestHouse
let clients: ThreadClients
let keys: KeyOwner
const threads = fc.constantFrom<Thread>('owner', 'follower')
const names = fc.constantFrom('a', 'b', 'c/1', 'c/2')

const codeOf = (error: unknown): string => {
  if (error instanceof S3ServiceException) return error.name
  throw error
}
const read = async (client: S3Client, Bucket: string, Key: string, VersionId?: string): Promise<string> => {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, VersionId }))
    return (await Body?.transformToString()) ?? ''
  } catch (error) {
    return codeOf(error)
  }
}
const listed = async (client: S3Client, Bucket: string): Promise<string[]> => {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
  return Contents.map(({ Key = '', Size }) => `${Key}=${Size}`)
}

/** One thing that somebody does through one thread, and then looks at through another. */
const steps = fc.array(
  fc.record({
    by: threads,
    seen: threads,
    key: names,
    act: fc.constantFrom('put', 'put', 'put', 'delete', 'read'),
    size: fc.integer({ min: 0, max: 3000 }),
  }),
  { minLength: 10, maxLength: 60 },
)

let buckets = 0

describe.each(['from the start', 'and came later'])('What one thread acknowledged, of two that serve %s', (when) => {
  beforeAll(async () => {
    test = await startHouse({ settings: { COFFER_S3_THREADS: '2' } })
    const { threads: serving } = test.house
    if (when !== 'from the start') {
      serving?.fewer()
      await vi.waitFor(() => expect(serving?.there()).toBe(0), 20_000)
      await serving?.more()
    }
    clients = threadClients(test)
    keys = await keyOwner(test.controlUrl)
  }, 60_000)
  afterAll(async () => {
    clients[Symbol.dispose]()
    await test[Symbol.asyncDispose]()
  })

  it.each([false, true])('is what every other thread says (versions: %s)', async (versioned) => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const Bucket = `seen-${++buckets}`
        await clients.follower.send(new CreateBucketCommand({ Bucket }))
        if (versioned) {
          const VersioningConfiguration = { Status: 'Enabled' } as const
          await clients.follower.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }))
        }
        const model = new Map<string, string>()
        const versions: { readonly Key: string; readonly id: string; readonly body: string }[] = []
        for (const [index, { by, seen, key: Key, act, size }] of all.entries()) {
          if (act === 'put') {
            const body = `${index}:`.padEnd(size + 4, 'x')
            const { VersionId } = await clients[by].send(new PutObjectCommand({ Bucket, Key, Body: body }))
            model.set(Key, body)
            if (VersionId !== undefined) versions.push({ Key, id: VersionId, body })
          } else if (act === 'delete') {
            await clients[by].send(new DeleteObjectCommand({ Bucket, Key }))
            model.delete(Key)
          }
          expect(await read(clients[seen], Bucket, Key)).toBe(model.get(Key) ?? 'NoSuchKey')
          const old = versions[(index * 7) % Math.max(versions.length, 1)]
          if (old) expect(await read(clients[seen], Bucket, old.Key, old.id)).toBe(old.body)
          if (index % 5 === 0) {
            const expected = [...model].map(([key, body]) => `${key}=${body.length}`).sort()
            expect(await listed(clients[seen], Bucket)).toEqual(expected)
          }
        }
        expect(versions.length > 0).toBe(versioned && all.some(({ act }) => act === 'put'))
      }),
      { numRuns: 6 },
    )
  })

  it('is so of keys that are disabled and enabled again', async () => {
    const key = await keys.newKey('seen by all')
    await makeBucket(clients.follower, 'under-a-key', key.crn)
    for (const by of ['owner', 'follower'] as const) {
      await clients[by].send(new PutObjectCommand({ Bucket: 'under-a-key', Key: 'k', Body: 'secret' }))
      for (let round = 0; round < 5; round++) {
        expect(await read(clients.owner, 'under-a-key', 'k')).toBe('secret')
        expect(await read(clients.follower, 'under-a-key', 'k')).toBe('secret')
        await keys.act(key.id, 'disable')
        for (const thread of ['follower', 'owner'] as const) {
          expect(await read(clients[thread], 'under-a-key', 'k')).toBe('KMS.DisabledException')
          const put = clients[thread].send(new PutObjectCommand({ Bucket: 'under-a-key', Key: 'new', Body: 'x' }))
          await expect(put).rejects.toMatchObject({ name: 'KMS.DisabledException' })
        }
        await keys.act(key.id, 'enable')
      }
      const back = await keys.withdrawAuthorizations()
      expect(await read(clients.follower, 'under-a-key', 'k')).toBe('AccessDenied')
      await back()
      expect(await read(clients.follower, 'under-a-key', 'k')).toBe('secret')
    }
  })

  it('is so of what is given to everybody and taken again', async () => {
    const Bucket = 'for-everybody'
    await clients.owner.send(new CreateBucketCommand({ Bucket }))
    await clients.owner.send(new DeletePublicAccessBlockCommand({ Bucket }))
    await clients.owner.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'open' }))
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` }],
    })
    // Connections without a signature go to either thread.
    const statuses = async (): Promise<Set<number>> => {
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => fetch(`${test.s3Url}/${Bucket}/k`, { headers: { connection: 'close' } })),
      )
      return new Set(answers.map(({ status }) => status))
    }
    for (let round = 0; round < 6; round++) {
      const by = clients[round % 2 === 0 ? 'follower' : 'owner']
      await by.send(new PutBucketPolicyCommand({ Bucket, Policy }))
      expect(await statuses()).toEqual(new Set([200]))
      await by.send(new DeleteBucketPolicyCommand({ Bucket }))
      expect(await statuses()).toEqual(new Set([403]))
    }
  })

  it('takes the place of what the other has in its cache', async () => {
    const Bucket = 'cached'
    await clients.owner.send(new CreateBucketCommand({ Bucket }))
    for (let round = 0; round < 40; round++) {
      const [by, seen] = round % 2 === 0 ? (['owner', 'follower'] as const) : (['follower', 'owner'] as const)
      await clients[by].send(new PutObjectCommand({ Bucket, Key: 'k', Body: `round ${round}` }))
      for (let again = 0; again < 3; again++) expect(await read(clients[seen], Bucket, 'k')).toBe(`round ${round}`)
      const { ContentLength } = await clients[seen].send(new HeadObjectCommand({ Bucket, Key: 'k' }))
      expect(ContentLength).toBe(`round ${round}`.length)
    }
  })
})
