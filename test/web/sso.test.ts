import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { freePort } from '../support/free-port.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { SSO_CALLBACK, SSO_CLIENT, ssoSettings } from '../support/sso.ts'
import {
  chromiumPath,
  expectAccessible,
  expectNoFaults,
  expectWellMade,
  keepPicture,
  startWebHouse,
  type WebHouse,
} from './support.ts'

describe.skipIf(chromiumPath === undefined)('signing in with an identity provider', () => {
  let provider: IdentityProvider
  let house: WebHouse
  beforeAll(async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    provider = await startIdentityProvider({ confidential: { ...SSO_CLIENT, redirectUri: url + SSO_CALLBACK } })
    provider.claims.set('main', { email: mainAccount.user.email, email_verified: true })
    house = await startWebHouse({
      settings: {
        ...ssoSettings(provider.issuer, url),
        ...{ COFFER_CONTROL_LISTEN: `127.0.0.1:${port}`, COFFER_CONSOLE_OIDC_NAME: 'Example' },
      },
    })
  })
  afterAll(async () => {
    await house[Symbol.asyncDispose]()
    await provider[Symbol.asyncDispose]()
  })
  const button = (page: Page) => page.getByRole('link', { name: 'Continue with Example' })

  it('is well made', async () => {
    const ready = (page: Page) => button(page).waitFor()
    await expectWellMade(house, '/ui/?sso=nobody', 'sign-in-sso', ready, { isSignedOut: true })
  })

  it('says why not, then lets in to the page that was asked for, where only this user may make a bucket', async () => {
    provider.atTheKeyboard.name = 'stranger'
    const page = await house.openSignedOut('/ui/buckets')
    await button(page).focus()
    await page.keyboard.press('Enter')
    await page.getByText('no user here is you').waitFor()
    await page.context().clearCookies()

    provider.atTheKeyboard.name = 'main'
    await page.goto(`${house.url}/ui/create-bucket`)
    await button(page).click()
    await page.getByRole('heading', { name: 'Create bucket', level: 1 }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/ui/create-bucket')
    await page.getByLabel('Name', { exact: true }).fill('by-sso')
    await page.getByText('Available.').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'by-sso', level: 1 }).waitFor()
    expect(house.test.house.store?.objects.buckets.all().map(({ name }) => name)).toContain('by-sso')
    expect(await page.evaluate('document.cookie')).toBe('')
    expectNoFaults(page)
  })

  it('goes on in another window when the session has ended, and keeps what was written on the page', async () => {
    provider.atTheKeyboard.name = 'main'
    const page = await house.open('/ui/create-bucket')
    await page.getByLabel('Name', { exact: true }).fill('kept-name')
    await page.getByText('Available.').waitFor()
    await page.context().clearCookies()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Sign in again' }).waitFor()
    const opened = page.context().waitForEvent('page')
    await button(page).click()
    const other = await opened
    await other.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    await other.close()
    await page.bringToFront()
    await page.getByRole('heading', { name: 'kept-name', level: 1 }).waitFor()
    expectNoFaults(page)
  })

  it('ends here first, and with the provider when somebody says so there', async () => {
    provider.atTheKeyboard.name = 'main'
    const page = await house.openSignedOut('/ui/')
    await button(page).click()
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    const isKnownThere = async () =>
      (await page.context().cookies(provider.issuer)).some(({ name }) => name === '_session')
    await page.getByRole('button', { name: /signed in as Main user/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByText('You are signed out here.').waitFor()
    await keepPicture(page, 'signed-out-sso')
    await expectAccessible(page)
    expect(await isKnownThere()).toBe(true)
    await page.getByRole('link', { name: 'Sign out there' }).click()
    await page.waitForURL(/session\/end/)
    expect(new URL(page.url()).origin).toBe(provider.issuer)
    await page.getByRole('button', { name: /sign me out/ }).click()
    await page.waitForURL(/session\/end\/success/)
    await expect.poll(isKnownThere).toBe(false)
  })
})
