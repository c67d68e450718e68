import { cp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, it, onTestFinished } from 'vitest'
import { startHouse, type TestHouse } from '../support/house.ts'
import { keyOwner } from '../support/keys.ts'
import { refusal } from '../support/object-house.ts'
import { sendRaw } from '../support/raw-s3.ts'

const put = (test: TestHouse, Bucket: string, Key = 'key') =>
  refusal(test.client().send(new PutObjectCommand({ Bucket, Key, Body: Bucket })))
const text = async (test: TestHouse, Bucket: string) => {
  const { Body: body } = await test.client().send(new GetObjectCommand({ Bucket, Key: 'key' }))
  return body?.transformToString()
}
const statesOf = async (test: TestHouse): Promise<Record<string, string>> => {
  const { json } = await (await keyOwner(test.controlUrl)).call('GET', '/admin/v1/buckets')
  return Object.fromEntries(json.buckets.map(({ bucket, state }: { bucket: string; state: string }) => [bucket, state]))
}
const problems = async (test: TestHouse) => (await fetch(`${test.controlUrl}/health/ready`)).json()

it('keys restored from before a rotation lock the buckets that need the newer ones, and no others, until the right ones are back', async () => {
  const first = await startHouse()
  const { directory, dataDir } = first
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const owner = await keyOwner(first.controlUrl)
  const keys: Record<string, string> = {}
  for (const bucket of ['rotated', 'steady']) {
    const { crn, id } = await owner.newKey(bucket)
    keys[bucket] = id
    const headers = { 'ibm-sse-kp-encryption-algorithm': 'AES256', 'ibm-sse-kp-customer-root-key-crn': crn }
    expect((await sendRaw(first.s3Url, { method: 'PUT', path: `/${bucket}`, headers })).status).toBe(200)
    expect(await put(first, bucket)).toBe('200')
    expect(await put(first, bucket, 'more')).toBe('200')
  }
  await first.stop()
  const [kms, older, newer] = [join(dataDir, 'kms'), join(directory, 'older'), join(directory, 'newer')]
  // With what is noted beside the store: without it, it is refused as one that has lost writes.
  for (const file of ['', '.witness']) await cp(`${kms}${file}`, `${older}${file}`, { recursive: true })
  {
    await using test = await startHouse({ directory })
    const { status } = await (await keyOwner(test.controlUrl)).act(keys['rotated'] ?? '', 'rotate')
    expect(status).toBe(204)
    await test.house.objects.rewraps.idle()
    await test.house.objects.keyChecks.idle()
    expect(await statesOf(test)).toEqual({ rotated: 'open', steady: 'open' })
  }
  for (const file of ['', '.witness']) {
    await rename(`${kms}${file}`, `${newer}${file}`)
    await rename(`${older}${file}`, `${kms}${file}`)
  }
  {
    await using test = await startHouse({ directory })
    await test.house.objects.keyChecks.idle()
    expect(await statesOf(test)).toEqual({ rotated: 'locked', steady: 'open' })
    expect(await problems(test)).toEqual({
      status: 'degraded',
      problems: ['buckets locked because their root key is not the right one: 1'],
    })
    expect(await put(test, 'rotated')).toBe('400 KMS.KMSInvalidStateException')
    expect(await refusal(text(test, 'rotated'))).toBe('400 KMS.KMSInvalidStateException')
    const answer = await sendRaw(test.s3Url, { method: 'GET', path: '/rotated/key' })
    expect(answer.body.toString()).toContain('Bring the key service back with the right keys')
    const { Contents: listed } = await test.client().send(new ListObjectsV2Command({ Bucket: 'rotated' }))
    expect(listed?.map(({ Key, Size, ETag }) => [Key, Size, ETag])).toEqual([
      ['key', 7, undefined],
      ['more', 7, undefined],
    ])
    await test.client().send(new DeleteObjectCommand({ Bucket: 'rotated', Key: 'more' }))
    expect(await put(test, 'steady')).toBe('200')
    expect(await text(test, 'steady')).toBe('steady')
  }
  await rm(kms, { recursive: true })
  for (const file of ['', '.witness']) await rename(`${newer}${file}`, `${kms}${file}`)
  await using test = await startHouse({ directory })
  await test.house.objects.keyChecks.idle()
  expect(await statesOf(test)).toEqual({ rotated: 'open', steady: 'open' })
  expect(await text(test, 'rotated')).toBe('rotated')
  expect(await put(test, 'rotated', 'more')).toBe('200')
})
