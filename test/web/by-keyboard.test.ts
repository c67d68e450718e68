import { GetObjectCommand, HeadBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { chromiumPath, expectNoFaults, startWebHouse, type WebHouse } from './support.ts'

/** What a page is about may come a while after the page. */
const PATIENCE_MS = 20_000
/** More stops than any page has. */
const ROUND = 60
const FOCUSED = `(() => {
  const one = document.activeElement
  const labels = (one.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id))
  const name = one.getAttribute('aria-label') ??
    [...labels, one.labels?.[0] ?? (labels[0] ? null : one)].map((label) => label?.textContent ?? '').join(' ')
  return name.replace(/\\s+/g, ' ').trim()
})()`

/** Nothing here clicks or sets the focus: keys alone, from an empty store to a bucket that is locked, opened, and lost. */
describe.skipIf(chromiumPath === undefined)('by keyboard alone', () => {
  let house: WebHouse
  let client: S3Client
  let keys: KeyOwner
  let page: Page
  beforeAll(async () => {
    house = await startWebHouse()
    client = house.test.client()
    keys = await keyOwner(house.test.controlUrl)
    page = await house.open('/ui/')
  })
  afterAll(() => house[Symbol.asyncDispose]())

  /** Goes on with Tab until what has the focus is called so. */
  async function tabTo(name: RegExp | string): Promise<void> {
    const passed: string[] = []
    for (const startedMs = performance.now(); performance.now() - startedMs < PATIENCE_MS; ) {
      const focused = String(await page.evaluate(FOCUSED))
      if (typeof name === 'string' ? focused === name : name.test(focused)) return
      passed.push(focused.slice(0, 30))
      await page.keyboard.press('Tab')
    }
    expect.fail(`Tab never comes to ${name}, but to ${passed.slice(-ROUND).join(' | ')}`)
  }
  async function press(name: RegExp | string, key = 'Enter'): Promise<void> {
    await tabTo(name)
    await page.keyboard.press(key)
  }
  /** In a menu that is open. */
  async function goTo(item: string): Promise<void> {
    await page.getByRole('menuitem', { name: item }).waitFor()
    for (let steps = 0; steps < 20 && (await page.evaluate(FOCUSED)) !== item; steps++)
      await page.keyboard.press('ArrowDown')
    await press(item)
  }
  async function chooseKey(): Promise<void> {
    await press(/^Key Name/, 'ArrowDown')
    await page.getByRole('option', { name: /finance-root/ }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('combobox', { name: /Key Name.*finance-root/ }).waitFor()
    await says('objects may use keys.')
  }
  const heading = (name: string) => page.getByRole('heading', { name, level: 1 }).waitFor()
  const says = (text: RegExp | string) => page.getByText(text).first().waitFor()
  const read = (bucket: string): Promise<string> =>
    client.send(new GetObjectCommand({ Bucket: bucket, Key: 'a.txt' })).then(
      async ({ Body }) => (await Body?.transformToString()) ?? '',
      ({ name }: Error) => name,
    )
  const stateOf = async (alias: string): Promise<number> =>
    (await keys.call('GET', `/api/v2/keys/${alias}/metadata`)).json.resources[0].state

  it('the first steps lead to a root key, an authorization and a bucket under the key', async () => {
    await keys.withdrawAuthorizations()
    await page.reload()
    await says('Nothing in it yet')
    await press('Create root key')
    await says('Key name')
    await page.keyboard.type('finance-root')
    await press('Create key')
    await heading('finance-root')
    expect(await stateOf('finance-root')).toBe(1)

    await page.keyboard.press('g')
    await page.keyboard.press('a')
    await heading('Authorizations')
    await press('Create authorization')
    await press('Authorize')
    await page.getByRole('button', { name: 'Actions of Reader on keys' }).waitFor()

    await page.keyboard.press('g')
    await page.keyboard.press('b')
    await heading('Buckets')
    await press('Create bucket')
    await heading('Create bucket')
    await tabTo('Name')
    await page.keyboard.type('invoices')
    await says('Available.')
    await press(/^Provider-managed encryption/, 'ArrowDown')
    await chooseKey()
    await press('Create')
    await heading('invoices')
    await client.send(new PutObjectCommand({ Bucket: 'invoices', Key: 'a.txt', Body: 'sealed' }))
    const { $metadata } = await client.send(new HeadBucketCommand({ Bucket: 'invoices' }))
    expect($metadata.httpStatusCode).toBe(200)
    expect(await read('invoices')).toBe('sealed')
  })

  it('a bucket leads to its key, the key to its buckets, and a bucket moves under it', async () => {
    await press(/^finance-root/)
    await heading('finance-root')
    await press('invoices')
    await heading('invoices')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Search' }).waitFor()
    await page.keyboard.type('create bucket')
    await page.getByRole('option', { selected: true }).filter({ hasText: 'Create bucket' }).waitFor()
    await page.keyboard.press('Enter')
    await heading('Create bucket')
    await tabTo('Name')
    await page.keyboard.type('moves')
    await says('Available.')
    await page.keyboard.press('Enter')
    await heading('moves')
    await client.send(new PutObjectCommand({ Bucket: 'moves', Key: 'a.txt', Body: 'moved' }))
    await press('Encryption')
    await chooseKey()
    await press('Start')
    await says('1 data key rewrapped')
    expect(await read('moves')).toBe('moved')
    expect((await keys.call('GET', '/admin/v1/buckets/moves/envelope?key=a.txt')).json).toMatchObject({
      encryption: 'customer-managed',
      rootKey: { name: 'finance-root' },
    })
  })

  it('a key is rotated and disabled, its bucket says so, and opens again from there', async () => {
    await press(/^finance-root/)
    await heading('finance-root')
    await press('Rotate now')
    await press('Rotate key')
    await says('finance-root was rotated to v2')
    expect(await read('invoices')).toBe('sealed')

    await press('Disable…')
    await says('2 buckets, 2 objects')
    await tabTo(/^Reason/)
    await page.keyboard.type('suspected leak')
    await tabTo('Type finance-root to confirm')
    await page.keyboard.type('finance-root')
    await page.keyboard.press('Enter')
    await says('finance-root is disabled.')
    await house.test.settled()
    expect(await read('invoices')).toBe('KMS.DisabledException')

    await press('invoices')
    await heading('invoices')
    await says('Reads and writes are refused')
    await press('Enable finance-root')
    await page.getByText('Reads and writes are refused').waitFor({ state: 'detached' })
    await house.test.settled()
    expect(await read('invoices')).toBe('sealed')
  })

  it('a key is deleted and comes back, and so does an authorization', async () => {
    await press(/^finance-root/)
    await heading('finance-root')
    await press('More actions of this key')
    await goTo('Delete…')
    await press(/^Force/, 'Space')
    await tabTo('Type finance-root to confirm')
    await page.keyboard.type('finance-root')
    await press('Delete key')
    await says('It can be restored until')
    await house.test.settled()
    expect(await read('invoices')).toMatch(/^KMS\./)
    await press('Restore…')
    await press('Restore key')
    await page.getByRole('button', { name: 'Disable…' }).waitFor()
    await house.test.settled()
    expect(await read('invoices')).toBe('sealed')

    await page.keyboard.press('g')
    await page.keyboard.press('a')
    await heading('Authorizations')
    await press('Actions of Reader on keys')
    await goTo('Delete…')
    await tabTo('Type keys to confirm')
    await page.keyboard.type('keys')
    await page.keyboard.press('Enter')
    await says('No service may use another one yet')
    await house.test.settled()
    expect(await read('invoices')).toBe('AccessDenied')
    await press('Create authorization')
    await press('Authorize')
    await page.getByRole('button', { name: 'Actions of Reader on keys' }).waitFor()
    await house.test.settled()
    expect(await read('invoices')).toBe('sealed')
    const { json } = await keys.call('GET', `/v1/policies?account_id=${mainAccount.id}&type=authorization`)
    expect(json.policies).toHaveLength(1)
    expectNoFaults(page)
  })
})
