import { appendFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { bucketKeys } from '../../src/objects/bucket-keys.ts'
import { openBuckets } from '../../src/objects/buckets.ts'
import { storeItself } from '../../src/objects/data-key-audit.ts'
import { headKey, SPACE } from '../../src/objects/keyspace.ts'
import { decodeObject } from '../../src/objects/records.ts'
import { noAudit } from '../../src/observe/audit-trail.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { readConfig } from '../../src/server/config.ts'
import { openStoredData } from '../../src/server/stored-data.ts'
import { openStoredKeys } from '../../src/server/stored-keys.ts'
import { filesUnder } from '../support/files-under.ts'
import { startHouse } from '../support/house.ts'
import { topology } from '../support/topology.ts'

const config = (dataDir: string) => readConfig([], { COFFER_DATA_DIR: dataDir })

async function stopped() {
  const house = await startHouse()
  onTestFinished(() => rm(house.directory, { recursive: true, force: true }))
  await house.client().send(new CreateBucketCommand({ Bucket: 'bucket' }))
  await house.client().send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: 'text' }))
  return house
}

it.skipIf(topology.split)('opens what a stopped server has, and changes nothing of it', async () => {
  const house = await stopped()
  await house.stop()
  const digests = async () => {
    const files = await filesUnder(house.dataDir)
    files.delete(join(house.dataDir, 'coffer.pid'))
    return files
  }
  const before = await digests()
  {
    await using scope = new AsyncDisposableStack()
    const data = await openStoredData(config(house.dataDir), scope)
    expect(data.stores).toEqual(['iam', 'kms', 'metadata'])
    const parts = { config: config(house.dataDir), data, clock: systemClock, log: createLogger('silent'), scope }
    const { provider } = await openStoredKeys({ ...parts, onDamage: ({ what }) => expect.unreachable(what) })
    const { store, nonces } = await data.openStore('metadata')
    const buckets = await openBuckets(store)
    const bucket = buckets.get('bucket')
    const row = await store.get(SPACE.head, headKey(bucket.id, 'key'))
    const record = decodeObject(row?.value ?? Buffer.of())
    const keys = bucketKeys({ provider, nonces, audit: noAudit }, storeItself('store.call'))
    using dek = await keys.unwrapDek(bucket, 'key', record.blobId, record.wrappedDek)
    expect(dek.bytes).toHaveLength(32)
    // It is a store of its own: what is written to it is gone with it.
    await store.commit([{ type: 'delete', space: SPACE.head, key: headKey(bucket.id, 'key') }])
    await store.compact?.(SPACE.head, { gte: Buffer.of(0), lt: Buffer.alloc(40, 0xff) })
    await expect(openStoredData(config(house.dataDir), scope)).rejects.toMatchObject({ code: 'StoreLocked' })
  }
  expect(await digests()).toEqual(before)
})

it('refuses a directory without a store, one that a server has open, and one whose key is another', async () => {
  const house = await stopped()
  const open = async (dataDir: string) => {
    await using scope = new AsyncDisposableStack()
    await openStoredData(config(dataDir), scope)
  }
  await expect(open(join(house.directory, 'nowhere'))).rejects.toMatchObject({ code: 'NoStore' })
  await expect(open(house.dataDir)).rejects.toMatchObject({ code: 'StoreLocked' })
  await house.stop()
  await open(house.dataDir)
  await appendFile(`${house.dataDir}.key`, 'x')
  await expect(open(house.dataDir)).rejects.toMatchObject({ code: expect.stringMatching(/^InstanceKey/) })
})
