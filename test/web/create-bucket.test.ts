import {
  CreateBucketCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import {
  chromiumPath,
  expectAccessible,
  expectNoFaults,
  expectWellMade,
  keepPicture,
  startWebHouse,
  type WebHouse,
} from './support.ts'

describe.skipIf(chromiumPath === undefined)('creating a bucket', () => {
  let house: WebHouse
  let keys: KeyOwner
  let financeId: string
  beforeAll(async () => {
    house = await startWebHouse()
    keys = await keyOwner(house.test.controlUrl)
    financeId = (await keys.newKey('finance-root', { aliases: ['finance-root'] })).id
    const archive = await keys.newKey('archive-2023', { aliases: ['archive-2023'] })
    await keys.act(archive.id, 'disable')
  })
  afterAll(() => house[Symbol.asyncDispose]())

  const chooseKeyProtect = async (page: Page): Promise<void> => {
    await page.getByRole('radio', { name: /Add Key Protect Keys/ }).check()
    await page.getByRole('combobox', { name: /Key Name/ }).click()
  }

  it('is well made', async () => {
    await expectWellMade(house, '/ui/create-bucket', 'create-bucket', async (page) => {
      await page.getByLabel('Name', { exact: true }).fill('invoices-eu')
      await page.getByText('Available.').waitFor()
      await chooseKeyProtect(page)
      await page.getByText('objects may use keys.').waitFor()
    })
  })

  it('makes one with the provider’s key by keyboard alone', async () => {
    const page = await house.open('/ui/create-bucket')
    await page.getByLabel('Name', { exact: true }).focus()
    await page.keyboard.type('Plain')
    await page.getByText('Lower-case letters only.').waitFor()
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.insertText('n'.repeat(64))
    await page.getByText('At most 63 characters.').waitFor()
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.type('plain-bucket')
    await page.getByText('Available.').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'plain-bucket', level: 1 }).waitFor()
    await page.getByText('Provider-managed').first().waitFor()
    await page.getByText('This bucket is empty').waitFor()
    const head = await house.test.client().send(new HeadBucketCommand({ Bucket: 'plain-bucket' }))
    expect(head.$metadata.httpStatusCode).toBe(200)
    expectNoFaults(page)
  })

  it('takes none that somebody made since its name was found to be free', async () => {
    const page = await house.open('/ui/create-bucket')
    await page.getByLabel('Name', { exact: true }).fill('theirs-first')
    await page.getByRole('switch', { name: 'Versioning' }).click()
    await page.getByText('Available.').waitFor()
    const client = house.test.client()
    await client.send(new CreateBucketCommand({ Bucket: 'theirs-first' }))
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByText('Somebody took that name a moment ago.').waitFor()
    expect((await client.send(new GetBucketVersioningCommand({ Bucket: 'theirs-first' }))).Status).toBeUndefined()
    expectNoFaults(page)
    await page.context().close()
  })

  it('makes one under a root key, which is chosen among those that can be', async () => {
    const page = await house.open('/ui/create-bucket')
    await page.getByLabel('Name', { exact: true }).fill('plain-bucket')
    await page.getByText('There is a bucket of that name already.').waitFor()
    await page.getByLabel('Name', { exact: true }).fill('invoices-eu')
    await page.getByRole('switch', { name: 'Versioning' }).click()
    await chooseKeyProtect(page)
    const disabled = page.getByRole('option', { name: /archive-2023 .*Disabled/ })
    expect(await disabled.getAttribute('aria-disabled')).toBe('true')
    await disabled.getByText(/Main user disabled it just now/).waitFor()
    await page.keyboard.press('Tab')
    await page.locator(':focus').getByText('Create a root key in keys').waitFor()
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.type('f')
    await page.keyboard.press('Enter')
    await page.getByText('finance-root wraps that data key.').waitFor()
    await keepPicture(page, 'create-bucket-chosen')
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByRole('heading', { name: 'invoices-eu', level: 1 }).waitFor()
    await page.getByRole('link', { name: /finance-root/ }).waitFor()
    await page.getByText('Versioning on').waitFor()
    const client = house.test.client()
    expect((await client.send(new GetBucketVersioningCommand({ Bucket: 'invoices-eu' }))).Status).toBe('Enabled')
    expect(await keys.registrations(financeId)).toHaveLength(1)
    await client.send(new PutObjectCommand({ Bucket: 'invoices-eu', Key: 'a.txt', Body: 'sealed' }))
    const read = await client.send(new GetObjectCommand({ Bucket: 'invoices-eu', Key: 'a.txt' }))
    expect(await read.Body?.transformToString()).toBe('sealed')
    expectNoFaults(page)
  })

  it('tells of a key that was disabled a moment ago, and of one that nothing authorizes', async () => {
    const page = await house.open('/ui/create-bucket')
    await page.getByLabel('Name', { exact: true }).fill('too-late')
    await chooseKeyProtect(page)
    await page.getByRole('option', { name: /finance-root/ }).click()
    await keys.act(financeId, 'disable')
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByText('finance-root was disabled a moment ago. Choose another key.').waitFor()
    await keys.act(financeId, 'enable')
    const putBack = await keys.withdrawAuthorizations()
    await page.reload()
    await page.getByText('No authorization yet.').waitFor()
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('too-late')
    await keepPicture(page, 'create-bucket-unauthorized')
    await expectAccessible(page)
    await putBack()
    await expect(house.test.client().send(new HeadBucketCommand({ Bucket: 'too-late' }))).rejects.toThrow()
    expectNoFaults(page)
  })
})
