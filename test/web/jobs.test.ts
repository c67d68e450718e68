import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { makeBucket } from '../support/s3.ts'
import { chromiumPath, expectAccessible, expectNoFaults, keepPicture, startWebHouse, type WebHouse } from './support.ts'

describe.skipIf(chromiumPath === undefined)('jobs', () => {
  let house: WebHouse
  let client: S3Client
  let keys: KeyOwner
  let keyId: string
  let keyCrn: string
  const bucket = 'ledger'
  beforeAll(async () => {
    // One data key in a second: slow enough to be stopped on its way.
    house = await startWebHouse({ settings: { COFFER_REWRAP_PER_SECOND: '1', COFFER_REWRAP_AUTOMATIC: 'false' } })
    client = house.test.client()
    keys = await keyOwner(house.test.controlUrl)
    const { crn, id } = await keys.newKey('finance-root', { aliases: ['finance-root'] })
    keyId = id
    keyCrn = crn
    await makeBucket(client, bucket, crn)
    for (let count = 0; count < 6; count++)
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: String(count), Body: 'x' }))
  })
  afterAll(() => house[Symbol.asyncDispose]())

  const job = async () =>
    (await keys.call('GET', '/admin/v1/jobs')).json.jobs.find((one: { bucket: string }) => one.bucket === bucket)

  it('are not begun by a rotation where the server does it not by itself, and nobody wants them', async () => {
    const page = await house.open('/ui/keys/keys/finance-root?do=rotate')
    await page.getByRole('checkbox', { name: 'Rewrap 1 bucket now' }).uncheck()
    await page.getByRole('button', { name: 'Rotate key' }).click()
    await page.getByText('finance-root was rotated to v2').first().waitFor()
    expect(await job()).toBeUndefined()
    await page.context().close()
  })

  it('are paused on their way and go on, by keyboard, and every object is as it was', async () => {
    const { ETag } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: '0' }))
    await keys.act(keyId, 'rotate')
    const page = await house.open('/ui/keys/keys/finance-root')
    await page.getByRole('button', { name: 'Rewrap the rest' }).press('Enter')
    await page.getByText('Rewrapping 1 bucket to v3').first().waitFor()
    await page.goto(`${house.url}/ui/jobs`)
    await page.getByRole('button', { name: 'Pause' }).press('Enter')
    await page.getByText('Paused', { exact: true }).waitFor()
    expect(await job()).toMatchObject({ state: 'paused' })
    await keepPicture(page, 'jobs-paused')
    await expectAccessible(page)
    await page.reload()
    await page.getByRole('button', { name: 'Resume' }).press('Enter')
    await page.getByText('Done', { exact: true }).waitFor()
    expect(await job()).toMatchObject({ state: 'done' })
    const { json } = await keys.call('GET', `/admin/v1/keys/usage?crn=${encodeURIComponent(keyCrn)}`)
    const [newest] = (await keys.call('GET', `/api/v2/keys/${keyId}/versions`)).json.resources
    const used = json.versions.filter(({ objects }: { objects: number }) => objects > 0)
    expect(used).toMatchObject([{ keyVersion: newest.id, objects: 6 }])
    expect((await client.send(new HeadObjectCommand({ Bucket: bucket, Key: '0' }))).ETag).toBe(ETag)
    expectNoFaults(page)
  })

  it('are cancelled, stay so, and all that is there can be read', async () => {
    await keys.act(keyId, 'rotate')
    await keys.call('POST', `/admin/v1/buckets/${bucket}/rewrap`)
    const page = await house.open('/ui/jobs')
    await page.getByRole('button', { name: 'Cancel' }).press('Enter')
    await page.getByText('Cancelled', { exact: true }).waitFor()
    expect(await job()).toMatchObject({ state: 'cancelled' })
    await expectAccessible(page)
    await page.reload()
    await page.getByText('Cancelled', { exact: true }).waitFor()
    for (let count = 0; count < 6; count++)
      await client.send(new GetObjectCommand({ Bucket: bucket, Key: String(count) }))
    await page.getByRole('button', { name: 'Begin again' }).press('Enter')
    await page.getByText('Done', { exact: true }).waitFor()
    expectNoFaults(page)
  })

  it('say which key refuses them, and are tried again when it does no more', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'plain' }))
    await keys.act(keyId, 'disable')
    await keys.call('POST', `/admin/v1/buckets/${bucket}/rewrap`)
    const page = await house.open('/ui/jobs')
    await page.getByText('finance-root is disabled.').waitFor()
    await page.getByText(/disabled it .*(now|ago)/).waitFor()
    await page.getByText('Waiting', { exact: true }).waitFor()
    await keepPicture(page, 'jobs-refused')
    await expectAccessible(page)
    await keys.act(keyId, 'enable')
    const again = page.getByRole('button', { name: 'Try again' })
    await again
      .or(page.getByText('Done', { exact: true }))
      .first()
      .waitFor()
    if (await again.isVisible()) await again.press('Enter')
    await page.getByText('Done', { exact: true }).waitFor()
    await expect.poll(async () => (await job()).state).toBe('done')
    expectNoFaults(page)
  })
})
