import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { chromiumPath, expectNoFaults, expectWellMade, startWebHouse, type WebHouse } from './support.ts'

describe.skipIf(chromiumPath === undefined)('the page about the APIs', () => {
  let house: WebHouse
  let keys: KeyOwner
  beforeAll(async () => {
    house = await startWebHouse()
    keys = await keyOwner(house.test.controlUrl)
  })
  afterAll(() => house[Symbol.asyncDispose]())

  it('shows each call with what it takes and answers, and makes it', async () => {
    const { id } = await keys.newKey('looked-up')
    const page = await house.open('/ui/api-docs')
    await page.getByText('/admin/v1/overview').click()
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('200', { exact: true }).waitFor()
    await page.getByText('"byState"').first().waitFor()

    await page.getByRole('link', { name: 'Key Protect' }).click()
    await page.getByRole('searchbox', { name: 'Find a call' }).fill('GET metadata')
    await page.getByText('/api/v2/keys/{id}/metadata').click()
    await page.getByText('keyRingID: string').waitFor()
    await page.getByText('reasons?: object[]').waitFor()
    const send = page.getByRole('button', { name: 'Send' })
    expect(await send.getAttribute('aria-disabled')).toBe('true')
    await page.getByRole('textbox', { name: 'id path' }).fill(id)
    await send.click()
    await page.getByText('"name": "looked-up"').waitFor()
    expectNoFaults(page)
  })

  it('changes what is there, with the rights of who is signed in', async () => {
    const { id } = await keys.newKey('switched-off')
    const page = await house.open('/ui/api-docs/key-protect')
    await page.getByText('/api/v2/keys/{id}/actions/disable').click()
    await page.getByText('It is really done, with your rights.').waitFor()
    await page.getByRole('textbox', { name: 'id path' }).fill(id)
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('204', { exact: true }).waitFor()
    const { json } = await keys.call('GET', `/api/v2/keys/${id}/metadata`)
    expect(json.resources[0].state).toBe(2)
  })

  it('is well made', async () => {
    await expectWellMade(house, '/ui/api-docs', 'api-docs', async (page) => {
      await page.getByText('/admin/v1/overview').click()
      await page.getByRole('button', { name: 'Send' }).waitFor()
      expect(await page.getByRole('main').textContent()).not.toContain('`')
      await page.locator('summary code').getByText('/admin/v1/overview').waitFor()
    })
  })
})
