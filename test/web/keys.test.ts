import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
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

describe.skipIf(chromiumPath === undefined)('root keys', () => {
  let house: WebHouse
  let s3: S3Client
  let keys: KeyOwner
  let rootKey: { readonly crn: string; readonly id: string }
  beforeAll(async () => {
    house = await startWebHouse({ settings: { COFFER_KMS_PURGE_DELAY_MS: '0' } })
    s3 = house.test.client()
    keys = await keyOwner(house.test.controlUrl)
    rootKey = await keys.newKey('finance-root', { aliases: ['finance-root'], description: 'Invoices of the year' })
    for (const [Bucket, bytes] of [
      ['invoices', 60_000],
      ['ledger', 9000],
    ] as const) {
      await s3.send(new CreateBucketCommand({ Bucket }))
      const to = { encryption: 'customer-managed', rootKeyCrn: rootKey.crn }
      expect((await keys.call('PUT', `/admin/v1/buckets/${Bucket}/encryption`, to)).status).toBeLessThan(300)
      await s3.send(new PutObjectCommand({ Bucket, Key: 'a.txt', Body: Buffer.alloc(bytes, 'a') }))
    }
  })
  afterAll(() => house[Symbol.asyncDispose]())

  const read = async (): Promise<string> => {
    const reply = await s3.send(new GetObjectCommand({ Bucket: 'invoices', Key: 'a.txt' })).catch((error) => error)
    return reply instanceof Error ? reply.name : `${(await reply.Body.transformToByteArray()).length} bytes`
  }
  const metadata = async (id: string) => (await keys.call('GET', `/api/v2/keys/${id}/metadata`)).json.resources[0]
  const grant = async (iamId: string, of: 'iam' | 'kms', role: string): Promise<void> => {
    const attributes = [
      { name: 'accountId', value: mainAccount.id },
      { name: 'serviceName', value: 'kms' },
    ]
    const { status } = await keys.call('POST', '/v1/policies', {
      type: 'access',
      subjects: [{ attributes: [{ name: 'iam_id', value: iamId }] }],
      roles: [{ role_id: `crn:v1:bluemix:public:${of}::::serviceRole:${role}` }],
      resources: [{ attributes }],
    })
    expect(status).toBe(201)
  }
  const openKey = async (then = ''): Promise<Page> => {
    const page = await house.open(`/ui/keys/keys/finance-root${then}`)
    await page.getByRole('heading', { name: 'finance-root', level: 1 }).waitFor()
    return page
  }

  it('are listed, and look well', async () => {
    await keys.newKey('spare-root', { aliases: ['spare-root', 'spare'] })
    await expectWellMade(house, '/ui/keys', 'keys', async (page) => {
      await page.getByRole('link', { name: 'finance-root' }).waitFor()
      await page.getByText('2 buckets, 69.0 kB').waitFor()
    })
    const page = await house.open('/ui/keys')
    await page.getByRole('link', { name: 'spare-root' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('spare')
    await page.getByRole('link', { name: 'finance-root' }).waitFor({ state: 'detached' })
    expect(page.url()).toContain('q=spare')
    await page.getByLabel('State').selectOption('disabled')
    await page.getByText('No key matches').waitFor()
    await page.context().close()
  })

  it('are created beside the list, by keyboard, as Key Protect then has them', async () => {
    const page = await house.open('/ui/keys')
    await page.getByRole('button', { name: 'Create root key' }).press('Enter')
    await page.getByLabel('Key name').waitFor()
    await page.keyboard.type('media-root')
    expect(await page.getByLabel('Key aliases').inputValue()).toBe('media-root')
    await page.getByLabel('Rotates by itself').press('Space')
    await page.getByRole('combobox', { name: 'How often' }).selectOption('3')
    await page.getByLabel('Deleting it needs two people').press('Space')
    for (const theme of ['dark', 'light']) {
      await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`)
      await keepPicture(page, `create-key-${theme}`)
      await expectAccessible(page)
    }
    await page.getByLabel('Key name').press('Enter')
    await page.getByRole('heading', { name: 'media-root', level: 1 }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/ui/keys/keys/media-root')
    await page.getByText('Rotates every 3 months').waitFor()
    expect(await metadata('media-root')).toMatchObject({
      ...{ name: 'media-root', aliases: ['media-root'], state: 1, imported: false },
      ...{ rotation: { enabled: true, interval_month: 3 }, dualAuthDelete: { enabled: true } },
    })
    expectNoFaults(page)
    await page.context().close()
  })

  it('are imported, and their material leaves the browser as ciphertext alone', async () => {
    const page = await house.open('/ui/keys?import')
    const material = Buffer.alloc(32, 7).toString('base64')
    const sent: string[] = []
    page.on('request', (request) => sent.push(request.postData() ?? ''))
    await page.getByLabel('Key name').fill('own-root')
    await page.getByRole('textbox', { name: 'Key material' }).fill(material)
    await page.getByRole('button', { name: 'Import key' }).click()
    await page.getByRole('heading', { name: 'own-root', level: 1 }).waitFor()
    expect(await metadata('own-root')).toMatchObject({ imported: true, state: 1 })
    expect(sent.some((body) => body.includes('encryptedNonce'))).toBe(true)
    expect(sent.filter((body) => body.includes(material))).toEqual([])
    expectNoFaults(page)
    await page.context().close()
  })

  it('show what they protect, with links both ways', async () => {
    await expectWellMade(house, '/ui/keys/keys/finance-root', 'key', (page) =>
      page.getByRole('link', { name: 'invoices' }).waitFor(),
    )
    const page = await openKey()
    await page.getByText('2 buckets, 2 objects, 69.0 kB').waitFor()
    await page.getByRole('img', { name: /Data keys by the minute: \d+ opened, [1-9]\d* made/ }).waitFor()
    await page.getByRole('link', { name: 'invoices' }).click()
    expect(new URL(page.url()).pathname).toBe('/ui/buckets/invoices')
    await page.locator('h1:focus').getByText('invoices').waitFor()
    await page.goBack()
    await page.locator('h1:focus').getByText('finance-root').waitFor()
    await page.context().close()
  })

  it('are disabled with what goes dark in view, which then refuses reads, and enabled again', async () => {
    expect(await read()).toBe('60000 bytes')
    await expectWellMade(house, '/ui/keys/keys/finance-root?do=disable', 'key-disable', (page) =>
      page.getByRole('dialog').getByText('Main user').first().waitFor(),
    )
    const page = await openKey()
    await page.getByRole('button', { name: 'Disable…' }).click()
    const drawer = page.getByRole('dialog', { name: 'Disable finance-root?' })
    await drawer.getByText('2 buckets, 2 objects, 69.0 kB').waitFor()
    const confirm = drawer.getByRole('button', { name: 'Disable key' })
    expect(await confirm.isDisabled()).toBe(true)
    await drawer.locator('input:focus').fill('suspected leak of svc-billing')
    await drawer.getByText("--reason 'suspected leak of svc-billing' --dry-run").waitFor()
    await drawer.getByLabel('Type finance-root to confirm').fill('finance-root')
    await confirm.click()
    await page.getByText('finance-root is disabled.').waitFor()
    await page.getByText(/Main user disabled it .*: “suspected leak of svc-billing”\./).waitFor()
    await page.getByText('disabled the root key: “suspected leak of svc-billing”').waitFor()
    await house.test.settled()
    expect(await read()).toBe('KMS.DisabledException')
    expect((await metadata(rootKey.id)).state).toBe(2)
    await keepPicture(page, 'key-disabled')

    await page.getByRole('button', { name: 'Enable…' }).first().click()
    await page.getByRole('button', { name: 'Enable key' }).click()
    await page.getByRole('button', { name: 'Disable…' }).waitFor()
    await house.test.settled()
    expect(await read()).toBe('60000 bytes')
    expectNoFaults(page)
    await page.context().close()
  })

  it('tell what was done to them and by whom, however much else the audit log has, and wait for nothing that takes long', async () => {
    const { id } = await keys.newKey('long-ago')
    await keys.act(id, 'disable')
    const page = await house.open('/ui/keys')
    const ofKeys = /admin\/v1\/activity\?.*key=/
    // As a server answers that did not come through its log in one look.
    let looks = 0
    await page.route(ofKeys, async (route) => {
      if (/[?&]before=7\b/.test(route.request().url())) {
        const url = route
          .request()
          .url()
          .replace(/&?before=7\b/, '')
        return route.fulfill({ response: await route.fetch({ url }) })
      }
      looks++
      await route.fulfill({ json: { entries: [], latest: 9, next: 7 } })
    })
    await page.goto(`${house.url}/ui/keys/keys/${id}`)
    await page.getByText(/Main user disabled it/).waitFor()
    await page.getByText('made a root key').waitFor()
    expect(looks).toBeGreaterThan(0)
    expect(await page.getByText('Nothing yet.').count()).toBe(0)
    await page.unroute(ofKeys)

    await page.route(ofKeys, (route) => route.fulfill({ json: { entries: [], latest: 9, next: 7 } }))
    await page.goto(`${house.url}/ui/keys/keys/${id}`)
    await page.getByText('Nothing in the newest part of the audit log').waitFor()
    await page.unroute(ofKeys)

    // One that never comes keeps nobody from what is to be done.
    await page.route(ofKeys, () => {})
    await page.goto(`${house.url}/ui/keys/keys/${id}`)
    await page.getByText('long-ago is disabled.').waitFor()
    await page.getByRole('button', { name: 'Enable…' }).first().waitFor()
    await page.context().close()
  })

  it('are rotated, and what is under them rewrapped', async () => {
    const page = await openKey('?do=rotate')
    await page.getByText('until they are rewrapped, which begins at once').waitFor()
    expect(await page.getByRole('checkbox', { name: /Rewrap/ }).count()).toBe(0)
    await keepPicture(page, 'key-rotate')
    await page.getByRole('button', { name: 'Rotate key' }).click()
    await page.getByText('finance-root was rotated to v2').first().waitFor()
    await page.getByText('100 % of data keys are on v2').waitFor()
    const { json } = await keys.call('GET', `/api/v2/keys/${rootKey.id}/versions`)
    expect(json.resources).toHaveLength(2)
    const usage = await keys.call('GET', `/admin/v1/keys/usage?crn=${encodeURIComponent(rootKey.crn)}`)
    expect(usage.json.versions.filter(({ objects }: { objects: number }) => objects > 0)).toMatchObject([
      { keyVersion: json.resources[0].id, objects: 2 },
    ])
    expect(await read()).toBe('60000 bytes')
    // It was disabled while v1 was the newest: the notch is on its bar, and said in words, too.
    await page
      .getByRole('list', { name: 'When it was disabled' })
      .getByText(/^‖ disabled from .* to /)
      .waitFor()
    const topOf = async (part: string) => Number(await page.locator(`.timeline ${part}`).first().getAttribute('y'))
    expect(await topOf('.timeline-pause rect')).toBe((await topOf('.timeline-bar')) - 4)
    await expectAccessible(page)
    await keepPicture(page, 'key-rotated')
    expectNoFaults(page)
    await page.context().close()
  })

  it('are deleted with buckets under them only by force, and restored from their card', async () => {
    const page = await openKey('?do=delete')
    const drawer = page.getByRole('dialog', { name: 'Delete finance-root?' })
    await drawer.getByText('2 buckets, 2 objects').waitFor()
    const remove = drawer.getByRole('button', { name: 'Delete key' })
    expect(await remove.getAttribute('title')).toContain('Buckets are under this key')
    await drawer.getByLabel('Force').check()
    await drawer.getByLabel('Type finance-root to confirm').fill('finance-root')
    await keepPicture(page, 'key-delete')
    await remove.click()
    await page.getByText('It can be restored until').waitFor()
    await house.test.settled()
    expect(await read()).toMatch(/^KMS\./)
    expect((await metadata(rootKey.id)).state).toBe(5)
    await keepPicture(page, 'key-deleted')
    await page.getByRole('button', { name: 'Restore…' }).click()
    await page.getByRole('button', { name: 'Restore key' }).click()
    await page.getByRole('button', { name: 'Disable…' }).waitFor()
    await house.test.settled()
    expect(await read()).toBe('60000 bytes')
    expectNoFaults(page)
    await page.context().close()
  })

  it('that somebody else changed meanwhile are shown as they are, with how long something takes', async () => {
    const raced = await keys.newKey('raced-root', { aliases: ['raced-root'] })
    const page = await house.open('/ui/keys/keys/raced-root?do=rotate')
    await page.getByText('There is nothing under it yet.').waitFor()
    await keys.act(raced.id, 'disable')
    await page.getByRole('button', { name: 'Rotate key' }).click()
    await page.getByText('The key is disabled (state 2): it cannot be rotated').waitFor()
    await page.keyboard.press('Escape')
    await page.getByText('raced-root is disabled.').waitFor()
    await page.route(/actions\/enable/, (route) =>
      route.fulfill({
        ...{ status: 409, contentType: 'application/json', headers: { 'retry-after': '12' } },
        body: JSON.stringify({
          resources: [{ errorMsg: 'x', reasons: [{ code: 'REQ_TOO_EARLY_ERR', message: 'too early' }] }],
        }),
      }),
    )
    await page.getByRole('button', { name: 'Enable…' }).first().click()
    await page.getByRole('button', { name: 'Enable key' }).click()
    await page.getByText('too early: it can be done in 12 s').waitFor()
    expectNoFaults(page)
    await page.context().close()
  })

  it('that need two people are only set for deletion by the first', async () => {
    const two = await keys.newKey('two-root', { aliases: ['two-root'] })
    const type = 'application/vnd.ibm.kms.policy+json'
    await keys.call('PUT', `/api/v2/keys/${two.id}/policies?policy=dualAuthDelete`, {
      metadata: { collectionType: type, collectionTotal: 1 },
      resources: [{ type, dualAuthDelete: { enabled: true } }],
    })
    const page = await house.open('/ui/keys/keys/two-root?do=delete')
    await page.getByText('You are the first of two').waitFor()
    await page.getByLabel('Type two-root to confirm').fill('two-root')
    await page.getByRole('button', { name: 'Set for deletion' }).click()
    await page.getByText('two-root is set for deletion.').waitFor()
    expect(await metadata(two.id)).toMatchObject({ state: 1, dualAuthDelete: { keySetForDeletion: true } })
    await page.goto(`${house.url}/ui/keys/keys/two-root?do=delete`)
    await page.getByLabel('Type two-root to confirm').fill('two-root')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete key' }).click()
    await page.getByText('two-root was not deleted.').waitFor()
    expect((await metadata(two.id)).state).toBe(1)
    await page.context().close()

    const made = await keys.call('POST', '/v1/serviceids', { account_id: mainAccount.id, name: 'second' })
    await grant(made.json.iam_id, 'iam', 'Manager')
    const json = { account_id: mainAccount.id, iam_id: made.json.iam_id, name: 'k' }
    const { apikey } = (await keys.call('POST', '/v1/apikeys', json)).json
    const second = await house.open('/ui/keys/keys/two-root', { credentials: { apiKey: apikey } })
    await second.getByText('two-root is set for deletion.').waitFor()
    await keepPicture(second, 'key-second-person')
    await expectAccessible(second)
    await second.getByRole('button', { name: 'Delete…' }).first().click()
    await second.getByText('One person has agreed').waitFor()
    await second.getByLabel('Type two-root to confirm').fill('two-root')
    await second.getByRole('dialog').getByRole('button', { name: 'Delete key' }).press('Enter')
    await second.getByText('It can be restored until').waitFor()
    expect((await metadata(two.id)).state).toBe(5)
    expectNoFaults(second)
    await second.context().close()
  })

  it('that were deleted are purged for good by who has the role for it', async () => {
    const { id } = await keys.newKey('gone-root', { aliases: ['gone-root'] })
    await keys.remove(id)
    const page = await house.open(`/ui/keys/keys/${id}`)
    await page.getByTitle('Needs KeyPurge on keys').waitFor()
    await grant(mainAccount.user.iamId, 'kms', 'KeyPurge')
    await page.reload()
    await page.getByRole('button', { name: 'Purge…' }).press('Enter')
    const drawer = page.getByRole('dialog', { name: 'Purge gone-root?' })
    await drawer.getByText('This cannot be undone.').waitFor()
    await keepPicture(page, 'key-purge')
    await expectAccessible(page)
    await drawer.getByLabel('Type gone-root to confirm').fill('gone-root')
    await page.keyboard.press('Enter')
    await page.getByText('It may have been purged').waitFor()
    await keepPicture(page, 'key-purged')
    expect((await keys.call('POST', `/api/v2/keys/${id}/restore`)).status).toBeGreaterThanOrEqual(400)
    expect((await keys.call('GET', `/api/v2/keys/${id}/metadata`)).status).toBe(404)
    expectNoFaults(page)
    await page.context().close()
  })

  it('have aliases and policies, and none where there is none', async () => {
    const page = await openKey()
    await page.getByPlaceholder('new-alias').fill('fin')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Remove the alias fin', exact: true }).waitFor()
    expect((await metadata('fin')).id).toBe(rootKey.id)
    await page.getByRole('button', { name: 'Edit policy' }).click()
    await page.getByRole('switch', { name: 'Rotates by itself' }).click()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Rotates every 6 months.').waitFor()
    expect((await metadata(rootKey.id)).rotation).toMatchObject({ enabled: true, interval_month: 6 })
    await page.goto(`${house.url}/ui/keys/keys/nothing`)
    await page.getByText('There is no root key nothing').waitFor()
    expect(mainAccount.keyProtectInstance).toBeDefined()
    await page.context().close()
  })
})
