import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { chromiumPath, expectNoFaults, expectWellMade, startWebHouse, type WebHouse } from './support.ts'

describe.skipIf(chromiumPath === undefined)('key providers', () => {
  let house: WebHouse
  let keys: KeyOwner
  let rootKey: { readonly crn: string; readonly id: string }
  beforeAll(async () => {
    house = await startWebHouse()
    keys = await keyOwner(house.test.controlUrl)
    rootKey = await keys.newKey('finance-root', { aliases: ['finance-root'] })
    const s3 = house.test.client()
    await s3.send(new CreateBucketCommand({ Bucket: 'invoices' }))
    const to = { encryption: 'customer-managed', rootKeyCrn: rootKey.crn }
    await keys.call('PUT', '/admin/v1/buckets/invoices/encryption', to)
    await s3.send(new PutObjectCommand({ Bucket: 'invoices', Key: 'a', Body: 'a' }))
    await s3.send(new GetObjectCommand({ Bucket: 'invoices', Key: 'a' }))
  })
  afterAll(() => house[Symbol.asyncDispose]())

  it('are shown with what was asked of them, and tested by a probe that is wrapped and unwrapped', async () => {
    await expectWellMade(house, '/ui/providers', 'providers', async (page) => {
      await page.getByText('Calls since the start').waitFor()
      await page.getByText('wraps a probe under finance-root').waitFor()
    })
    const page = await house.open('/ui/providers')
    await page.getByRole('button', { name: 'Test' }).click()
    await page.getByText(/Wrapped and unwrapped in \d+ ms/).waitFor()
    const probed = `/admin/v1/activity?key=${rootKey.id}&did=kms.secrets.unwrap&who=Main`
    await expect
      .poll(async () => (await keys.call('GET', probed)).json.entries, { timeout: 20_000 })
      .toMatchObject([{ outcome: 'success' }])
    await keys.act(rootKey.id, 'disable')
    await page.getByRole('button', { name: 'Test' }).click()
    await page.getByText('The probe did not come back.').waitFor()
    expectNoFaults(page)
    await page.context().close()
  })
})
