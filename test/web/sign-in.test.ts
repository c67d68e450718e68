import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { chromiumPath, expectNoFaults, expectWellMade, startWebHouse, type WebHouse } from './support.ts'

describe.skipIf(chromiumPath === undefined)('signing in', () => {
  let house: WebHouse
  beforeAll(async () => {
    house = await startWebHouse()
  })
  afterAll(() => house[Symbol.asyncDispose]())

  it('is well made', async () => {
    await expectWellMade(house, '/ui/', 'sign-in', (page) => page.getByRole('heading', { name: 'Sign in' }).waitFor(), {
      isSignedOut: true,
    })
  })

  it('says what is wrong, then lets in by keyboard alone, to the page that was asked for', async () => {
    const page = await house.openSignedOut('/ui/buckets')
    await page.getByLabel('Access key', { exact: true }).fill(mainAccount.user.accessKeyId)
    await page.keyboard.press('Tab')
    await page.keyboard.type('wrong')
    await page.keyboard.press('Enter')
    await page.getByText('That key pair isn’t known here').waitFor()
    await page.getByLabel('Secret key').fill(mainAccount.user.secretAccessKey)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Buckets', level: 1 }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/ui/buckets')
    await page.reload()
    await page.getByRole('heading', { name: 'Buckets', level: 1 }).waitFor()
    expect(await page.evaluate('document.cookie')).toBe('')
    expectNoFaults(page)
  })
})
