import { cp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'
import { openSigningKey, readPublicKeys } from '../../src/audit/keys.ts'
import { verifyLog } from '../../src/audit/verify.ts'
import { openInstanceKey } from '../../src/envelope/instance-key.ts'
import { filesUnder } from '../support/files-under.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { keyOwner } from '../support/keys.ts'
import { type StoredRow, withRows } from '../support/level-rows.ts'
import { refusal } from '../support/object-house.ts'
import { makeBucket } from '../support/s3.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

// What docs/threat-model.md says that somebody who writes the disk CAN do. Where one of these begins to fail, a limit has gone, and the text is to be mended.

const Bucket = 'bucket'
const read = async (s3: S3Client, Key: string) => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
  return (await Body?.transformToString()) ?? ''
}
const put = (s3: S3Client, Key: string, Body: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body }))
const rowsOf = (dataDir: string, store: string, space: number): Promise<StoredRow[]> =>
  withRows(join(dataDir, store), async ({ all }) => all.filter(({ key }) => key[0] === space))
const putBack = (dataDir: string, store: string, rows: readonly StoredRow[]) =>
  withRows(join(dataDir, store), async (level) => {
    for (const { key, value } of rows) await level.put(key, value)
  })

it('a root key that was disabled is enabled again when its former row is put back', async () => {
  await using home = await temporaryDirectory()
  const first = await startHouse({ directory: home.path })
  const owner = await keyOwner(first.controlUrl)
  const key = await owner.newKey('of the customer')
  await makeBucket(first.client(), Bucket, key.crn)
  await put(first.client(), 'a', 'content')
  await first.stop()
  const enabled = await rowsOf(first.dataDir, 'kms', 32)
  const second = await startHouse({ directory: home.path })
  await (await keyOwner(second.controlUrl)).act(key.id, 'disable')
  expect(await refusal(read(second.client(), 'a'))).not.toBe('200')
  await second.stop()
  await putBack(second.dataDir, 'kms', enabled)
  const third = await startHouse({ directory: home.path })
  expect(await read(third.client(), 'a')).toBe('content')
  await third.stop()
})

it('an object has its former content again when its former row and bytes are put back', async () => {
  await using home = await temporaryDirectory()
  const first = await startHouse({ directory: home.path })
  await makeBucket(first.client(), Bucket)
  await put(first.client(), 'a', 'former content')
  await first.stop()
  const former = [...(await rowsOf(first.dataDir, 'metadata', 2)), ...(await rowsOf(first.dataDir, 'metadata', 6))]
  const bytes = home.join('bytes')
  await cp(join(first.dataDir, 'blobs'), bytes, { recursive: true })
  const second = await startHouse({ directory: home.path })
  await put(second.client(), 'a', 'newer content')
  await second.stop()
  await cp(bytes, join(second.dataDir, 'blobs'), { recursive: true })
  await putBack(second.dataDir, 'metadata', former)
  const third = await startHouse({ directory: home.path })
  expect(await read(third.client(), 'a')).toBe('former content')
  await third.stop()
})

it('an object is gone when its row is taken away, and nobody is told', async () => {
  await using home = await temporaryDirectory()
  const first = await startHouse({ directory: home.path })
  await makeBucket(first.client(), Bucket)
  await put(first.client(), 'a', 'content')
  await put(first.client(), 'b', 'content')
  await first.stop()
  const { Level } = await import('level')
  const level = new Level<Buffer, Buffer>(join(first.dataDir, 'metadata'), {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  })
  for (const key of await level.keys().all())
    if (key[0] === 2 && key.subarray(17).toString() === 'a') await level.del(key)
  await level.close()
  const second = await startHouse({ directory: home.path })
  const { Contents = [] } = await second.client().send(new ListObjectsV2Command({ Bucket }))
  expect(Contents.map(({ Key }) => Key)).toEqual(['b'])
  await second.stop()
})

/** Deletes an object, then puts an older copy of the whole directory in its place. */
async function rolledBack(
  home: string,
): Promise<{ readonly test: TestHouse; readonly head: { seq: number; hash: string } }> {
  const first = await startHouse({ directory: home })
  await makeBucket(first.client(), Bucket)
  await put(first.client(), 'a', 'content that was deleted')
  await first.stop()
  await cp(first.dataDir, `${first.dataDir}.old`, { recursive: true })
  const second = await startHouse({ directory: home })
  await second.client().send(new DeleteObjectCommand({ Bucket, Key: 'a' }))
  await keyOwner(second.controlUrl).then((owner) => owner.newKey('a change that is recorded'))
  await second.stop()
  const { signed } = await verifyLog(await ofLog(second.dataDir))
  if (!signed) throw new Error('the log is not signed')
  await rm(second.dataDir, { recursive: true })
  await cp(`${first.dataDir}.old`, first.dataDir, { recursive: true })
  return { test: await startHouse({ directory: home }), head: signed }
}

async function ofLog(dataDir: string) {
  using key = await openInstanceKey({ sealFile: join(dataDir, 'instance-key.json'), keyFile: `${dataDir}.key` })
  const { publicKeyPem } = openSigningKey(key.derive('audit'))
  return { source: { type: 'directory', path: join(dataDir, 'audit') }, keys: readPublicKeys(publicKeyPem) } as const
}

it('a whole directory of an earlier time is served, and a head of the audit log that was noted elsewhere tells', async () => {
  await using home = await temporaryDirectory()
  const { test, head } = await rolledBack(home.path)
  expect(await read(test.client(), 'a')).toBe('content that was deleted')
  await test.stop()
  const log = await ofLog(test.dataDir)
  expect((await verifyLog(log)).outcome).toBe('verified')
  expect(await verifyLog({ ...log, expected: head })).toMatchObject({ outcome: 'bad' })
})

it('names of buckets and objects stand in the metadata and in the audit log', async () => {
  await using test = await startHouse()
  await makeBucket(test.client(), 'name-of-a-bucket')
  await test
    .client()
    .send(new PutObjectCommand({ Bucket: 'name-of-a-bucket', Key: 'name of an object', Body: 'content of an object' }))
  await test.stop()
  const files = await filesUnder(test.dataDir)
  const holding = (text: string) =>
    new Set(
      [...files]
        .filter(([, bytes]) => bytes.includes(text))
        .map(([path]) => path.slice(test.dataDir.length + 1).split('/')[0]),
    )
  for (const name of ['name-of-a-bucket', 'name of an object'])
    expect(holding(name)).toEqual(new Set(['audit', 'metadata']))
  expect(holding('content of an object')).toEqual(new Set())
  expect((await readFile(`${test.dataDir}.key`)).length).toBe(32)
})
