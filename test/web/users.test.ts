import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { iamToken } from '../support/control-api.ts'
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

describe.skipIf(chromiumPath === undefined)('users, service IDs and policies', () => {
  let house: WebHouse
  let keys: KeyOwner
  beforeAll(async () => {
    house = await startWebHouse()
    keys = await keyOwner(house.test.controlUrl)
    const s3 = house.test.client()
    await s3.send(new CreateBucketCommand({ Bucket: 'invoices' }))
    await s3.send(new PutObjectCommand({ Bucket: 'invoices', Key: 'a.txt', Body: 'hello' }))
  })
  afterAll(() => house[Symbol.asyncDispose]())

  const serviceIds = async (): Promise<readonly { readonly name: string; readonly iam_id: string }[]> =>
    (await keys.call('GET', `/v1/serviceids?account_id=${mainAccount.id}`)).json.serviceids

  it('lets a program in: a service ID, its policy, its access key shown once, until it is deleted', async () => {
    const page = await house.open('/ui/users')
    await page.getByRole('button', { name: 'Create service ID' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('svc-web')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'svc-web', level: 1 }).waitFor()
    const [{ iam_id: iamId } = { iam_id: '' }] = await serviceIds()

    await page.getByRole('button', { name: 'Create access key' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('for the site')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'for the site' })
    await dialog.getByText('the console shows it this once').waitFor()
    const [accessKeyId = '', secretAccessKey = ''] = await dialog.locator('code').allTextContents()
    await dialog.getByRole('button', { name: 'I have kept it' }).click()
    await page.getByText(accessKeyId).waitFor()
    expect(await page.getByText(secretAccessKey).count()).toBe(0)
    const s3 = house.test.client(mainAccount, { credentials: { accessKeyId, secretAccessKey } })
    const read = () =>
      s3.send(new GetObjectCommand({ Bucket: 'invoices', Key: 'a.txt' })).then(
        () => 'read',
        (error) => error.name,
      )
    expect(await read()).toBe('AccessDenied')

    await page.getByRole('button', { name: 'Give access' }).click()
    await page.getByRole('option', { name: 'Content Reader' }).waitFor({ state: 'attached' })
    await page.getByLabel('Role').selectOption({ label: 'Content Reader' })
    await keepPicture(page, 'policy-create')
    await page.getByRole('button', { name: 'Create policy' }).click()
    await page.getByText('all of Object Storage').waitFor()
    expect(await read()).toBe('read')
    await keepPicture(page, 'service-id')

    await page.goto(`${house.url}/ui/policies`)
    await page.getByLabel('Who', { exact: true }).selectOption({ label: 'svc-web' })
    await page.getByLabel('Of what').fill('invoices/a.txt')
    await page.keyboard.press('Enter')
    await page.getByText('Yes, they can.').waitFor()
    await page.getByLabel('Can', { exact: true }).selectOption({ label: 'write the object' })
    await page.getByRole('button', { name: 'Ask' }).click()
    await page.getByText('No, that is refused.').waitFor()

    await page.getByRole('button', { name: 'Actions of the policy of svc-web' }).click()
    await page.getByRole('menuitem', { name: 'Edit…' }).click()
    const text = page.getByLabel('The policy itself')
    await text.fill((await text.inputValue()).replace('"serviceName"', '"serviceNam"'))
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('The server does not take this policy.').waitFor()
    await text.fill('{')
    await page.getByText(/JSON/).first().waitFor()
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Cancel' }).click()
    const edit = async (description: string): Promise<void> => {
      await page.getByRole('button', { name: 'Actions of the policy of svc-web' }).click()
      await page.getByRole('menuitem', { name: 'Edit…' }).click()
      await text.fill((await text.inputValue()).replace(/^\{/, `{ "description": "${description}",`))
    }
    const described = async () =>
      (await keys.call('GET', `/v1/policies?account_id=${mainAccount.id}&type=access`)).json.policies.find(
        (one: { subjects: unknown }) => JSON.stringify(one.subjects).includes(iamId),
      )
    for (const [ours, keep] of [
      ['mine', 'Keep mine'],
      ['nobody’s', 'Take theirs'],
    ] as const) {
      await edit(ours)
      const now = await described()
      const { type, subjects, roles, resources } = now
      const changed = await fetch(`${house.test.controlUrl}/v1/policies/${now.id}`, {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${await iamToken(house.test.controlUrl, mainAccount.user.apiKey)}`,
          ...{ 'content-type': 'application/json', 'if-match': '*' },
        },
        body: JSON.stringify({ type, subjects, roles, resources, description: 'theirs' }),
      })
      expect(changed.status).toBe(200)
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Somebody changed the policy meanwhile.').waitFor()
      expect((await described()).description).toBe('theirs')
      if (keep === 'Keep mine') {
        await keepPicture(page, 'policy-changed')
        await expectAccessible(page)
      }
      await page.getByRole('button', { name: keep }).click()
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('The policy was changed').first().waitFor()
      expect((await described()).description).toBe(keep === 'Keep mine' ? 'mine' : 'theirs')
    }
    await page.getByRole('button', { name: 'Actions of the policy of svc-web' }).click()
    await page.getByRole('menuitem', { name: 'Delete…' }).click()
    await page.getByRole('button', { name: 'Delete policy' }).click()
    await page.getByText('The policy was deleted').first().waitFor()
    expect(await read()).toBe('AccessDenied')

    await page.goto(`${house.url}/ui/users/${iamId}`)
    await page.getByRole('button', { name: 'Delete…' }).click()
    await page.getByLabel('Type svc-web to confirm').fill('svc-web')
    await page.getByRole('button', { name: 'Delete service ID' }).click()
    await page.getByRole('heading', { name: 'Users & service IDs', level: 1 }).waitFor()
    expect(await serviceIds()).toEqual([])
    expect(await read()).toBe('InvalidAccessKeyId')
    expectNoFaults(page)
    await page.context().close()
  })

  it('lets a person in with an API key shown once, and out again', async () => {
    const page = await house.open('/ui/users')
    await page.getByRole('button', { name: 'Add user' }).click()
    await page.getByLabel('E-mail address').fill('ada@example.com')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Create API key' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('first')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'first' })
    await dialog.getByText('It is shown this once').waitFor()
    await keepPicture(page, 'api-key')
    const [apikey = ''] = await dialog.locator('code').allTextContents()
    await page.keyboard.press('Escape')
    const signIn = async () => {
      const body = new URLSearchParams({ grant_type: 'urn:ibm:params:oauth:grant-type:apikey', apikey })
      return (await fetch(`${house.test.controlUrl}/identity/token`, { method: 'POST', body })).status
    }
    expect(await signIn()).toBe(200)
    await page.getByRole('button', { name: 'Actions of first' }).click()
    await page.getByRole('menuitem', { name: 'Disable' }).click()
    await page.getByText('first is disabled').first().waitFor()
    expect(await signIn()).toBeGreaterThanOrEqual(400)
    await page.getByRole('button', { name: 'Disable…' }).click()
    await page.getByLabel('Type ada').fill('ada@example.com')
    await page.getByRole('button', { name: 'Disable user' }).click()
    await page.getByRole('button', { name: 'Enable' }).waitFor()
    expectNoFaults(page)
    await page.context().close()
  })

  it('tells who may not see something so, on each page', async () => {
    const made = await keys.call('POST', '/v1/serviceids', { account_id: mainAccount.id, name: 'newcomer' })
    const json = { account_id: mainAccount.id, iam_id: made.json.iam_id, name: 'k' }
    const { apikey } = (await keys.call('POST', '/v1/apikeys', json)).json
    const page = await house.open('/ui/users', { credentials: { apiKey: apikey } })
    await page.getByText('Needs Viewer on main.').waitFor()
    await page.goto(`${house.url}/ui/keys`)
    await page.getByText('Not for you to see.').or(page.getByText('No root keys yet')).waitFor()
    await keepPicture(page, 'keys-refused')
    await expectAccessible(page)
    await page.goto(`${house.url}/ui/authorizations`)
    await page.getByText('What you may not see is not listed.').waitFor()
    await page.goto(`${house.url}/ui/policies`)
    await page.getByText('What you may not see is not listed.').waitFor()
    await keys.newKey('finance-root', { aliases: ['finance-root'] })
    const grant = await keys.call('POST', '/v1/policies', {
      type: 'access',
      subjects: [{ attributes: [{ name: 'iam_id', value: made.json.iam_id }] }],
      roles: [{ role_id: 'crn:v1:bluemix:public:iam::::serviceRole:Reader' }],
      resources: [
        {
          attributes: [
            { name: 'accountId', value: mainAccount.id },
            { name: 'serviceName', value: 'kms' },
          ],
        },
      ],
    })
    expect(grant.status).toBe(201)
    await page.goto(`${house.url}/ui/keys/keys/finance-root`)
    await page.getByTitle('Needs Manager on keys').first().waitFor()
    expect(await page.getByRole('button', { name: 'Disable…' }).getAttribute('aria-disabled')).toBe('true')
    await keepPicture(page, 'key-refused')
    await expectAccessible(page)
    expectNoFaults(page)
    await page.context().close()
  })

  it('are well made', async () => {
    await expectWellMade(house, '/ui/users', 'users', (page) =>
      page.getByRole('row').filter({ hasText: 'Main user' }).getByText('role Administrator').waitFor(),
    )
    await expectWellMade(house, `/ui/users/${mainAccount.user.iamId}`, 'user', (page) =>
      page.getByRole('heading', { name: 'API keys' }).waitFor(),
    )
    await expectWellMade(house, '/ui/policies', 'policies', (page) =>
      page
        .getByText('No access policy')
        .or(page.getByRole('region', { name: 'Policies' }))
        .waitFor(),
    )
  })
})
