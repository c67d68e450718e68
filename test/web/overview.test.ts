import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { signInAt } from '../support/console-client.ts'
import { createRootKey } from '../support/control-api.ts'
import { keyOwner } from '../support/keys.ts'
import {
  chromiumPath,
  expectAccessible,
  expectNoFaults,
  expectWellMade,
  keepPicture,
  startWebHouse,
  type WebHouse,
} from './support.ts'

describe.skipIf(chromiumPath === undefined)('the overview and the list of buckets', () => {
  let house: WebHouse
  beforeAll(async () => {
    house = await startWebHouse()
  })
  afterAll(() => house[Symbol.asyncDispose]())

  it('begins with what to do first, in an empty store', async () => {
    await expectWellMade(house, '/ui/', 'first-run', (page) => page.getByText('Nothing in it yet').waitFor())
    await expectWellMade(house, '/ui/buckets', 'no-buckets', (page) => page.getByText('No buckets yet').waitFor())
    const page = await house.open('/ui/')
    await createRootKey(house.test.controlUrl, 'first-root')
    await page.reload()
    await page.getByRole('listitem').filter({ hasText: 'Create a root key' }).getByText('Done').waitFor()
    const last = page.getByRole('listitem').filter({ hasText: 'Create a protected bucket' })
    await last.getByRole('link', { name: 'Create bucket' }).press('Enter')
    await page.getByRole('heading', { name: 'Create bucket', level: 1 }).waitFor()
  })

  it('tells what is stored and under which keys, and what is locked', async () => {
    const { send } = await signInAt(house.url)
    const put = async (target: string, headers: Record<string, string> = {}, body = '') =>
      expect((await send({ method: 'PUT', target, headers, body })).status).toBe(200)
    const finance = await createRootKey(house.test.controlUrl, 'finance-root')
    const archive = await createRootKey(house.test.controlUrl, 'archive-2023')
    const under = (crn: string) => ({
      'ibm-sse-kp-encryption-algorithm': 'AES256',
      'ibm-sse-kp-customer-root-key-crn': crn,
    })
    await put('/ui/s3/invoices-eu', under(finance.crn))
    await put('/ui/s3/scans-2023', under(archive.crn))
    await put('/ui/s3/web-assets')
    await put('/ui/s3/invoices-eu/2026%2F11%2Facme-0419.pdf', {}, 'x'.repeat(184_000))
    await put('/ui/s3/scans-2023/intake-0001.tiff', {}, 'x'.repeat(42_100))
    await put('/ui/s3/web-assets/logo.svg', {}, 'x'.repeat(96_000))
    const disabled = await send({
      method: 'POST',
      target: `/ui/api/api/v2/keys/${archive.id}/actions/disable`,
      headers: { 'bluemix-instance': mainAccount.keyProtectInstance },
    })
    expect(disabled.status).toBe(204)
    expect((await send({ method: 'GET', target: '/ui/s3/scans-2023/intake-0001.tiff' })).status).toBe(400)
    const refused = await house.open('/ui/')
    const line = refused.getByText('refused: archive-2023 is disabled').first()
    await line.waitFor()
    await line.getByRole('link', { name: 'archive-2023' }).click()
    await refused.getByRole('heading', { name: 'archive-2023', level: 1 }).waitFor()
    await refused.context().close()

    await expectWellMade(house, '/ui/', 'overview', (page) =>
      page.getByText(/scans-2023 is locked\..* disabled it /).waitFor(),
    )
    await expectWellMade(house, '/ui/buckets', 'buckets', (page) =>
      page.getByRole('link', { name: 'web-assets' }).waitFor(),
    )

    const page = await house.open('/ui/settings')
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    await page.getByRole('link', { name: /^Buckets/ }).click()
    await page.getByText('3 buckets, 3 objects, 322 kB').waitFor()
    expect(asked.filter((url) => /\/usage|\?versioning/.test(url))).toEqual([])
    await page.getByText('1 key disabled').waitFor()
    const row = page.getByRole('row').filter({ hasText: 'scans-2023' })
    await row.getByText('Locked').waitFor()
    await row.getByText(/Main user disabled it just now/).waitFor()
    expect(asked.filter((url) => url.includes('/admin/v1/activity?'))).toHaveLength(1)
    // Rows are gone through in the order in which they stand.
    await page.getByRole('button', { name: 'Size' }).click()
    await page.getByRole('button', { name: 'Size' }).click()
    await page.locator('h1').click()
    for (const key of ['j', 'j', 'j', 'k']) await page.keyboard.press(key)
    await page.locator('tr.selected').getByText('web-assets').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('key:finance')
    await page.getByText('1 of 3').waitFor()
    expect(await page.getByRole('row').count()).toBe(2)
    expect(new URL(page.url()).searchParams.get('filter')).toBe('key:finance')
    expectNoFaults(page)
  })

  it('draws what is stored by encryption over time, with what moved', async () => {
    const keys = await keyOwner(house.test.controlUrl)
    const { crn } = await keys.newKey('assets-root', { aliases: ['assets-root'] })
    const to = { encryption: 'customer-managed', rootKeyCrn: crn }
    expect((await keys.call('PUT', '/admin/v1/buckets/web-assets/encryption', to)).status).toBe(202)
    const page = await house.open('/ui/settings')
    const dayMs = 86_400_000
    const now = Date.now()
    const of = (bytes: number) => ({ objects: 1, bytes, uploads: 0 })
    const stored = Array.from({ length: 60 }, (_, index) => ({
      at: new Date(now - (59 - index) * dayMs).toISOString(),
      providerManaged: of(4e9 + index * 5e7),
      customerManaged: of(1e9 + index * 3e7 + (index > 40 ? 1e9 : 0)),
    }))
    // Sixty days of samples, which no test has; what is drawn of them is the page's.
    await page.route(/admin\/v1\/samples/, async (route) => {
      const response = await route.fetch()
      await route.fulfill({ response, json: { ...(await response.json()), stored } })
    })
    await page.goto(`${house.url}/ui/`)
    await page.getByRole('button', { name: '92 d' }).click()
    const picture = page.getByRole('img', { name: /Stored bytes since .*from 1.00 GB to 3.77 GB.*4.00 GB to 6.95 GB/ })
    await picture.waitFor()
    await page.getByText('+5.72 GB in 59 days').waitFor()
    // What moved is told beside its line, and to those who do not see it.
    await page.locator('svg text.event').getByText('web-assets moved to assets-root').waitFor()
    expect(await page.locator('svg .event-line').count()).toBe(1)
    expect(await picture.getAttribute('aria-label')).toContain('web-assets moved to assets-root')
    await keepPicture(page, 'overview-over-time')
    await expectAccessible(page)
    await page.getByRole('button', { name: '7 d' }).click()
    await picture.waitFor({ state: 'detached' })
    expectNoFaults(page)
  })

  it('goes anywhere by keyboard: the command menu, chords, the help, the theme that is kept', async () => {
    const page = await house.open('/ui/')
    const heading = (name: string) => page.getByRole('heading', { name, level: 1 }).waitFor()
    await heading('Overview')
    await page.keyboard.press('g')
    await page.keyboard.press('b')
    await heading('Buckets')
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('page-title')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Search' }).fill('overv')
    await page.keyboard.press('Enter')
    await heading('Overview')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('t')
    await page.reload()
    await heading('Overview')
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark')
    expectNoFaults(page)
  })

  it('shows who can read, metrics and settings to a keyboard alone', async () => {
    const page = await house.open('/ui/')
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    const at = () => page.evaluate('document.activeElement.textContent')
    const tabTo = async (text: string) => {
      for (let presses = 0; presses < 60 && (await at()) !== text; presses++) await page.keyboard.press('Tab')
      expect(await at()).toBe(text)
    }
    const openByMenu = async (words: string, name: string) => {
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox', { name: 'Search' }).waitFor()
      await page.keyboard.type(words)
      // Names of buckets come when the server has told them.
      await page.getByRole('option', { selected: true }).filter({ hasText: name }).waitFor()
      await page.keyboard.press('Enter')
      await page.locator('h1:focus').getByText(name, { exact: true }).waitFor()
    }
    await openByMenu('metrics', 'Metrics')
    await page.getByRole('group', { name: 'Time' }).waitFor()
    const last = page.getByRole('group', { name: 'Time' }).getByRole('button').last()
    await tabTo((await last.textContent()) ?? '')
    await page.keyboard.press('Enter')
    expect(await last.getAttribute('aria-pressed')).toBe('true')
    await openByMenu('settings', 'Settings')
    await tabTo('Dark')
    await page.keyboard.press('Space')
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark')
    await openByMenu('web-assets', 'web-assets')
    await tabTo('Who can read')
    await page.keyboard.press('Enter')
    await page.getByRole('main').getByText('Main user').first().waitFor()
    await tabTo('Lifecycle')
    expectNoFaults(page)
    await page.context().close()
  })

  it('keeps the page when the session ends, and goes on after signing in again', async () => {
    const page = await house.open('/ui/buckets')
    await page.getByRole('link', { name: 'web-assets' }).waitFor()
    await page.context().clearCookies()
    await page.getByRole('link', { name: 'Overview', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: 'Sign in again' })
    await dialog.getByLabel('Access key', { exact: true }).fill(mainAccount.user.accessKeyId)
    await dialog.getByLabel('Secret key').fill(mainAccount.user.secretAccessKey)
    await page.keyboard.press('Enter')
    await page.getByText('scans-2023 is locked.').waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
    expectNoFaults(page)
  })

  it('says so when it could not sign out', async () => {
    const page = await house.open('/ui/')
    await page.route(/\/ui\/session$/, (route) =>
      route.request().method() === 'DELETE'
        ? route.fulfill({
            status: 409,
            contentType: 'application/json',
            body: '{"error":{"code":"Refused","message":"Not now."}}',
          })
        : route.continue(),
    )
    await page.getByRole('button', { name: /signed in as/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('region', { name: 'Messages' }).getByText('Not now.').waitFor()
    expectNoFaults(page)
    await page.context().close()
  })

  it('signs out from the menu of the user', async () => {
    const page = await house.open('/ui/')
    await page.getByRole('button', { name: /signed in as/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })
})
