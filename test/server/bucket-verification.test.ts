import { join } from 'node:path'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { expect, it, vi } from 'vitest'
import { SPACE } from '../../src/objects/keyspace.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { contentBytes } from '../support/content.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { keyOwner } from '../support/keys.ts'
import { withRows } from '../support/level-rows.ts'
import { otherAccount } from '../support/other-account.ts'
import { blobsAddedBy, flipAt } from '../support/stored-blobs.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const fast = { COFFER_SCRUB_MIB_PER_SECOND: '0' }
const SIZE = 500_000

const put = (test: TestHouse, Bucket: string, Key: string, sizeBytes = SIZE, account = mainAccount) =>
  test.client(account).send(new PutObjectCommand({ Bucket, Key, Body: contentBytes(Key, sizeBytes) }))

async function verifierOf(test: TestHouse, account = mainAccount) {
  const owner = await keyOwner(test.objectsControlUrl, account)
  const path = (bucket: string) => `/admin/v1/buckets/${bucket}/verification`
  const latest = async (bucket: string) => (await owner.call('GET', path(bucket))).json.verification
  const start = (bucket: string, what?: object) => owner.call('POST', path(bucket), what)
  return {
    ...{ latest, start },
    stop: (bucket: string) => owner.call('DELETE', path(bucket)),
    verified: async (bucket: string, what?: object) => {
      expect((await start(bucket, what)).status).toBe(202)
      await test.house.objects.scrub.settled()
      return await latest(bucket)
    },
  }
}

it('reads what is stored of one bucket, or of a prefix of it, and nothing else', async () => {
  await using test = await startHouse({ accounts: [mainAccount, otherAccount], settings: fast })
  const s3 = test.client()
  for (const Bucket of ['mine', 'large']) await s3.send(new CreateBucketCommand({ Bucket }))
  await test.client(otherAccount).send(new CreateBucketCommand({ Bucket: 'other' }))
  await put(test, 'large', 'large', 4_000_000)
  await put(test, 'mine', '2025/a')
  const [place] = await blobsAddedBy(test, () => put(test, 'mine', '2026/b'))
  const { verified, latest } = await verifierOf(test)
  expect(await latest('mine')).toBeUndefined()
  const whole = await verified('mine')
  expect(whole).toMatchObject({ state: 'ended', objects: 2, bytes: 2 * SIZE, findings: [], notKept: 0, prefix: '' })
  expect(whole.bytesRead).toBeLessThan(2.2 * SIZE)
  expect(whole.bytesRead).toBeGreaterThan(2 * SIZE)
  if (!place) throw new Error('nothing was stored')
  await flipAt(place, 1000)
  expect((await verified('mine', { prefix: '2025/' })).findings).toEqual([])
  const hurt = await verified('mine', { prefix: '2026/' })
  expect(hurt).toMatchObject({ objects: 1, findings: [{ kind: 'content-damaged', bucket: 'mine', key: '2026/b' }] })
  const { scrub } = test.house.objects
  expect(scrub.findings()).toMatchObject(hurt.findings)
  // One that does not come by it leaves it as it is known.
  await verified('mine', { prefix: '2025/' })
  await verified('large')
  expect(scrub.findings()).toHaveLength(1)
  await s3.send(new DeleteObjectCommand({ Bucket: 'mine', Key: '2026/b' }))
  expect((await verified('mine')).findings).toEqual([])
  expect(scrub.findings()).toEqual([])
})

it('is for who manages the bucket, and for nobody else', async () => {
  await using test = await startHouse({ accounts: [mainAccount, otherAccount], settings: fast })
  await test.client().send(new CreateBucketCommand({ Bucket: 'mine' }))
  await test.client(otherAccount).send(new CreateBucketCommand({ Bucket: 'other' }))
  const [owner, stranger] = [await verifierOf(test), await verifierOf(test, otherAccount)]
  expect(await owner.verified('mine')).toMatchObject({ state: 'ended', objects: 0 })
  for (const call of [stranger.start, stranger.stop]) expect((await call('mine')).status).toBe(403)
  expect(await stranger.latest('mine')).toBeUndefined()
  expect((await owner.start('nowhere')).status).toBe(404)
  expect((await owner.start('mine', { prefix: 1 })).status).toBe(400)
})

it('tells of a key that lost its current version, where it is asked about', async () => {
  await using directory = await temporaryDirectory()
  {
    await using test = await startHouse({ directory: directory.path, settings: fast })
    const s3 = test.client()
    await s3.send(new CreateBucketCommand({ Bucket: 'mine' }))
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await s3.send(new PutBucketVersioningCommand({ Bucket: 'mine', VersioningConfiguration }))
    for (const key of ['lost', 'whole']) for (let n = 0; n < 2; n++) await put(test, 'mine', key)
    const { verified } = await verifierOf(test)
    expect(await verified('mine', { checksums: true })).toMatchObject({ checksums: true, objects: 4, findings: [] })
  }
  await withRows(join(directory.path, 'data', 'metadata'), async ({ all, remove }) => {
    const head = all.find(({ key }) => key[0] === SPACE.head && key.includes('lost'))
    if (!head) throw new Error('it has no row')
    await remove(head.key)
  })
  await using test = await startHouse({ directory: directory.path, settings: fast })
  const { verified } = await verifierOf(test)
  const kinds = async (what?: object) =>
    (await verified('mine', what)).findings.map(({ kind, key }: { kind: string; key: string }) => `${kind} ${key}`)
  expect(await kinds()).toEqual(['current-missing lost'])
  expect(await kinds({ prefix: 'lo' })).toEqual(['current-missing lost'])
  expect(await kinds({ prefix: 'whole' })).toEqual([])
  // What the scrub alone looks for is told as it found it last.
  test.house.objects.scrub.begin()
  await test.house.objects.scrub.settled()
  expect(await kinds({ prefix: 'lo' })).toEqual(['current-missing lost', 'owner-orphan lost'])
  expect(await kinds()).toEqual(['current-missing lost', 'owner-orphan lost', expect.stringMatching(/^counter-wrong/)])
})

it('waits for others, goes on alone for who asks for the same, and ends when it is stopped', async () => {
  await using test = await startHouse({ settings: { COFFER_SCRUB_MIB_PER_SECOND: '1' } })
  const s3 = test.client()
  for (const Bucket of ['first', 'second']) await s3.send(new CreateBucketCommand({ Bucket }))
  for (let n = 0; n < 40; n++) await put(test, 'first', `k${n}`)
  await put(test, 'second', 'k')
  const { start, stop, latest } = await verifierOf(test)
  await start('first')
  await vi.waitFor(async () => expect(await latest('first')).toMatchObject({ state: 'running' }))
  expect((await start('second')).json.verification.state).toBe('waiting')
  expect((await start('first')).json.verification.state).toBe('running')
  const another = await start('first', { prefix: 'k1' })
  expect([another.status, JSON.stringify(another.json)]).toEqual([409, expect.stringContaining('of first')])
  expect((await stop('first')).status).toBe(200)
  await vi.waitFor(async () => expect(await latest('first')).toMatchObject({ state: 'stopped' }), 10_000)
  await vi.waitFor(async () => expect(await latest('second')).toMatchObject({ state: 'ended', objects: 1 }), 20_000)
  expect((await latest('first')).objects).toBeLessThan(40)
})
