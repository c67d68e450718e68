import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, it, onTestFinished } from 'vitest'
import { startHouse, type TestHouse } from '../support/house.ts'
import { keyOwner } from '../support/keys.ts'
import { flipped, type StoredRow, withRows } from '../support/level-rows.ts'
import { refusal } from '../support/object-house.ts'
import { sendRaw } from '../support/raw-s3.ts'

const text = async (test: TestHouse, Bucket: string) => {
  const { Body: body } = await test.client().send(new GetObjectCommand({ Bucket, Key: 'key' }))
  return body?.transformToString()
}

/** A stopped server with two buckets, each under a root key of its own, and the ids of those. */
async function stopped() {
  const first = await startHouse()
  onTestFinished(() => rm(first.directory, { recursive: true, force: true }))
  const owner = await keyOwner(first.controlUrl)
  const ids: string[] = []
  for (const bucket of ['one', 'two']) {
    const { crn, id } = await owner.newKey(bucket)
    ids.push(id)
    const headers = { 'ibm-sse-kp-encryption-algorithm': 'AES256', 'ibm-sse-kp-customer-root-key-crn': crn }
    expect((await sendRaw(first.s3Url, { method: 'PUT', path: `/${bucket}`, headers })).status).toBe(200)
    await first.client().send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: bucket }))
  }
  await first.stop()
  const [one = '', two = ''] = ids
  return { directory: first.directory, dataDir: first.dataDir, one, two }
}

const damage = (directory: string, wanted: (row: StoredRow) => boolean) =>
  withRows(directory, async ({ all, put }) => {
    const chosen = all.filter(wanted)
    expect(chosen).toHaveLength(1)
    for (const { key, value } of chosen) await put(key, flipped(value, -1))
    return async () =>
      withRows(directory, async (rows) => rows.put(chosen[0]?.key ?? Buffer.of(0), chosen[0]?.value ?? Buffer.of(0)))
  })

it('a bucket whose row is damaged is refused, its name not given again, and comes back with its row', async () => {
  const { directory, dataDir } = await stopped()
  const mend = await damage(
    join(dataDir, 'metadata'),
    ({ key }) => key[0] === 1 && key.subarray(1).toString() === 'one',
  )
  {
    await using test = await startHouse({ directory })
    expect(await text(test, 'two')).toBe('two')
    expect(await refusal(text(test, 'one'))).toMatch(/InternalError/)
    const put = new PutObjectCommand({ Bucket: 'one', Key: 'other', Body: 'x' })
    expect(await refusal(test.client().send(put))).toMatch(/InternalError/)
    expect(await refusal(test.client().send(new CreateBucketCommand({ Bucket: 'one' })))).toMatch(/InternalError/)
    await expect(test.house.objects.keyUsage('crn:any')).rejects.toMatchObject({ code: 'MetadataCorrupt' })
  }
  await mend()
  await using test = await startHouse({ directory })
  expect(await text(test, 'one')).toBe('one')
})

it.each([
  ['record', 32],
  ['version', 33],
] as const)('a key whose %s is damaged is refused by name, and comes back with its row', async (_, space) => {
  const { directory, dataDir, one, two } = await stopped()
  const id = one.replaceAll('-', '')
  const mend = await damage(join(dataDir, 'kms'), ({ key }) => key[0] === space && key.toString('hex', 17, 33) === id)
  {
    await using test = await startHouse({ directory })
    const owner = await keyOwner(test.controlUrl)
    expect(await text(test, 'two')).toBe('two')
    expect(await refusal(text(test, 'one'))).toMatch(/ServiceUnavailable/)
    const answer = await owner.call('GET', `/api/v2/keys/${one}`)
    expect(answer).toMatchObject({
      status: 500,
      json: { resources: [{ reasons: [{ code: 'INCOMPLETE_METADATA_ERR' }] }] },
    })
    expect((await owner.call('GET', `/api/v2/keys/${two}`)).status).toBe(200)
  }
  await mend()
  await using test = await startHouse({ directory })
  expect(await text(test, 'one')).toBe('one')
})
