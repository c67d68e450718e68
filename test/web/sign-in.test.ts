import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, type TestAccount } from '../support/bootstrap.ts'
import { otherAccount } from '../support/other-account.ts'
import { chromiumPath, expectNoFaults, expectWellMade, startWebHouse, type WebHouse } from './support.ts'

describe.skipIf(chromiumPath === undefined)('signing in', () => {
  let house: WebHouse
  beforeAll(async () => {
    house = await startWebHouse({ accounts: [mainAccount, otherAccount] })
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

  const signIn = async (page: Page, { accessKeyId, secretAccessKey }: TestAccount['user']): Promise<void> => {
    await page.getByLabel('Access key', { exact: true }).fill(accessKeyId)
    await page.getByLabel('Secret key').fill(secretAccessKey)
    await page.keyboard.press('Enter')
  }

  it('in one page of a browser does it in all of them, and signing out, too', async () => {
    const page = await house.openSignedOut('/ui/buckets')
    const other = await page.context().newPage()
    await other.goto(`${house.url}/ui/create-bucket`)
    await other.getByRole('heading', { name: 'Sign in' }).waitFor()
    await signIn(page, mainAccount.user)
    await other.getByRole('heading', { name: 'Create bucket', level: 1 }).waitFor()
    await page.getByRole('button', { name: /signed in as Main user/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await other.getByRole('heading', { name: 'Sign in' }).waitFor()
    await signIn(page, mainAccount.user)
    // The token that goes with each write is the new one there, too.
    await other.getByLabel('Name', { exact: true }).fill('from-the-other')
    await other.getByText('Available.').waitFor()
    await other.keyboard.press('Enter')
    await other.getByRole('heading', { name: 'from-the-other', level: 1 }).waitFor()
    expectNoFaults(page)
  })

  it('as somebody else leaves nothing on a page of what was on it before', async () => {
    const page = await house.openSignedOut('/ui/create-bucket')
    await signIn(page, mainAccount.user)
    await page.getByLabel('Name', { exact: true }).fill('not-theirs')
    await page.getByText('Available.').waitFor()
    await page.context().clearCookies()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Sign in again' }).waitFor()
    await signIn(page, otherAccount.user)
    await page.getByRole('button', { name: /signed in as Other user/ }).waitFor()
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('')
    expect(house.test.house.objects.buckets.all().map(({ name }) => name)).not.toContain('not-theirs')
    expectNoFaults(page)
  })
})
