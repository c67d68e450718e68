import { CreateUserCommand, IAMClient } from '@aws-sdk/client-iam'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { chromiumPath, expectNoFaults, expectWellMade, keepPicture, startWebHouse, type WebHouse } from './support.ts'

describe.skipIf(chromiumPath === undefined)('authorizations', () => {
  let house: WebHouse
  let s3: S3Client
  let keys: KeyOwner
  beforeAll(async () => {
    house = await startWebHouse()
    s3 = house.test.client()
    keys = await keyOwner(house.test.controlUrl)
    const { crn } = await keys.newKey('finance-root', { aliases: ['finance-root'] })
    await s3.send(new CreateBucketCommand({ Bucket: 'invoices' }))
    const to = { encryption: 'customer-managed', rootKeyCrn: crn }
    await keys.call('PUT', '/admin/v1/buckets/invoices/encryption', to)
    await s3.send(new PutObjectCommand({ Bucket: 'invoices', Key: 'a.txt', Body: 'sealed' }))
    const { accessKeyId, secretAccessKey } = mainAccount.user
    const iam = new IAMClient({
      ...{ endpoint: house.test.s3Url, region: 'us-east-1' },
      credentials: { accessKeyId, secretAccessKey },
    })
    await iam.send(new CreateUserCommand({ UserName: 'svc-web' }))
    iam.destroy()
  })
  afterAll(() => house[Symbol.asyncDispose]())

  const read = async (): Promise<string> => {
    const reply = await s3.send(new GetObjectCommand({ Bucket: 'invoices', Key: 'a.txt' })).catch((error) => error)
    return reply instanceof Error ? reply.name : await reply.Body.transformToString()
  }
  const policies = async (): Promise<readonly object[]> =>
    (await keys.call('GET', `/v1/policies?account_id=${mainAccount.id}&type=authorization`)).json.policies

  it('show who can read a bucket, link by link', async () => {
    await expectWellMade(house, '/ui/authorizations', 'authorizations', async (page) => {
      await page
        .getByRole('img', { name: /Main user may read invoices.*finance-root opens.*svc-web may not/ })
        .waitFor()
      await page.getByText('1 bucket and 1 object stop being readable at once.').waitFor()
    })
  })

  it('are deleted with what goes dark in view, and created again, which the store heeds at once', async () => {
    expect(await read()).toBe('sealed')
    const page = await house.open('/ui/authorizations')
    await page.getByRole('button', { name: 'Actions of Reader on keys' }).press('Enter')
    await page.getByRole('menuitem', { name: 'Delete…' }).press('Enter')
    const drawer = page.getByRole('dialog', { name: 'Delete “Reader on keys”?' })
    await drawer.getByText('1 bucket, 1 object, 6 B').waitFor()
    await keepPicture(page, 'authorization-delete')
    await drawer.getByLabel('Type keys to confirm').fill('keys')
    await page.keyboard.press('Enter')
    await page.getByText('No service may use another one yet').waitFor()
    await page.getByText('may not be used:').waitFor()
    await keepPicture(page, 'authorization-missing')
    await house.test.settled()
    expect(await read()).not.toBe('sealed')
    expect(await policies()).toEqual([])

    await page.getByRole('button', { name: 'Create authorization' }).click()
    await page.getByLabel('Key scope').waitFor()
    await page.getByRole('button', { name: 'Authorize' }).click()
    await page.getByRole('button', { name: 'Actions of Reader on keys' }).waitFor()
    await house.test.settled()
    expect(await read()).toBe('sealed')
    expect(await policies()).toHaveLength(1)
    expectNoFaults(page)
    await page.context().close()
  })

  it('are created from where they were missing, and lead back there', async () => {
    const back = encodeURIComponent('/ui/buckets?q=x')
    const where = `/ui/authorize?source=${mainAccount.objectStorageInstance}&target=${mainAccount.keyProtectInstance}&back=${back}`
    await expectWellMade(house, where, 'authorize', (page) =>
      page.getByRole('option', { name: 'Only finance-root' }).waitFor({ state: 'attached' }),
    )
    const page = await house.open(where)
    await page.getByLabel('Key scope').selectOption({ label: 'Only finance-root' })
    await page.getByRole('button', { name: 'Authorize and go back' }).click()
    await page.getByRole('heading', { name: 'Buckets', level: 1 }).waitFor()
    expect(page.url()).toContain('/ui/buckets?q=x')
    expect(JSON.stringify(await policies())).toContain('"resourceType"')
    await page.context().close()
  })
})
