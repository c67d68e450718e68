import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { makeBucket } from '../support/s3.ts'
import { chromiumPath, expectNoFaults, expectWellMade, startWebHouse, type WebHouse } from './support.ts'

describe.skipIf(chromiumPath === undefined)('a locked bucket', () => {
  let house: WebHouse
  let client: S3Client
  let keys: KeyOwner
  let keyId: string
  const bucket = 'scans-2023'
  beforeAll(async () => {
    house = await startWebHouse()
    client = house.test.client()
    keys = await keyOwner(house.test.controlUrl)
    const key = await keys.newKey('archive-2023', { aliases: ['archive-2023'] })
    keyId = key.id
    await makeBucket(client, bucket, key.crn)
    for (const name of ['intake-0001.tiff', 'intake-0002.tiff', 'notes.txt'])
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: name, ContentType: 'text/plain' }))
    await keys.act(keyId, 'disable')
    await house.test.settled()
  })
  afterAll(() => house[Symbol.asyncDispose]())

  const read = (): Promise<string | undefined> =>
    client
      .send(new GetObjectCommand({ Bucket: bucket, Key: 'notes.txt' }))
      .then(({ Body }) => Body?.transformToString())

  it('is well made', async () => {
    await expectWellMade(house, `/ui/buckets/${bucket}`, 'locked', async (page) => {
      await page.getByText('KMS.DisabledException').waitFor()
      await page.getByText('Main user disabled root key archive-2023').waitFor()
    })
  })

  it('lists names and sizes, refuses contents, says why and who, and opens when its key is enabled', async () => {
    await expect(read()).rejects.toMatchObject({ name: 'KMS.DisabledException' })
    const page = await house.open(`/ui/buckets/${bucket}`)
    await page.getByText('Reads and writes are refused').waitFor()
    await page.getByText(/Main user disabled it/).waitFor()
    await page.getByText('Root key still exists').waitFor()
    await page.getByText('No scrub has looked through them yet.').waitFor()
    expect(await page.getByRole('button', { name: 'Upload', exact: true }).getAttribute('aria-disabled')).toBe('true')
    expect(await page.getByRole('row').count()).toBe(4)
    await page.getByRole('link', { name: 'notes.txt' }).click()
    await page.getByText('Its contents are refused').first().waitFor()
    await page.getByRole('tab', { name: 'Envelope' }).click()
    await page.getByText('Disabled: it opens nothing').waitFor()
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: 'Enable archive-2023' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('Reads and writes are refused').waitFor({ state: 'detached' })
    await house.test.settled()
    expect(await read()).toBe('notes.txt')
    await page.getByRole('link', { name: 'notes.txt' }).click()
    await page.getByRole('region', { name: 'The beginning of notes.txt' }).getByText('notes.txt').waitFor()
    expectNoFaults(page)
  })

  it('says that its authorization is gone', async () => {
    const putBack = await keys.withdrawAuthorizations()
    await expect(read()).rejects.toMatchObject({ name: 'AccessDenied' })
    const page = await house.open(`/ui/buckets/${bucket}`)
    await page.getByText('nothing authorizes the object storage').waitFor()
    await page.getByRole('link', { name: 'Create authorization' }).waitFor()
    await putBack()
    expectNoFaults(page)
  })
})
