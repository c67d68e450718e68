import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { roleAllows, serviceOf } from '../../src/iam/role-actions.ts'
import { RIGHTS } from '../../src/web/client/rights.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { signInAt } from '../support/console-client.ts'
import { keyOwner } from '../support/keys.ts'
import { makeBucket } from '../support/s3.ts'
import {
  chromiumPath,
  expectAccessible,
  expectGoodHints,
  expectNoFaults,
  keepPicture,
  startWebHouse,
  type WebHouse,
} from './support.ts'

describe('the roles that the console names', () => {
  it('give the right, and those below them do not', () => {
    const ladders = [
      ['Reader', 'Writer', 'Manager'],
      ['Viewer', 'Operator', 'Editor', 'Administrator'],
      ['KeyPurge'],
    ] as const
    const rights = Object.keys(RIGHTS) as (keyof typeof RIGHTS)[]
    for (const right of rights) {
      const role = RIGHTS[right]
      const ladder = ladders.find((roles) => roles.some((one) => one === role)) ?? []
      const giving = ladder.filter((one) => roleAllows(serviceOf(right), one, right))
      expect([right, giving[0]]).toEqual([right, role])
    }
  })
})

describe.skipIf(chromiumPath === undefined)('a reader of buckets and keys', () => {
  let house: WebHouse
  let apiKey: string
  let keyId: string
  let serviceId: string
  const bucket = 'invoices'
  beforeAll(async () => {
    house = await startWebHouse()
    const keys = await keyOwner(house.test.controlUrl)
    const { crn, id } = await keys.newKey('finance-root', { aliases: ['finance-root'] })
    keyId = id
    const client = house.test.client()
    await makeBucket(client, bucket, crn)
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'a.txt', Body: 'hello', ContentType: 'text/plain' }))
    const made = await keys.call('POST', '/v1/serviceids', { account_id: mainAccount.id, name: 'auditor' })
    serviceId = made.json.iam_id
    const json = { account_id: mainAccount.id, iam_id: serviceId, name: 'k' }
    apiKey = (await keys.call('POST', '/v1/apikeys', json)).json.apikey
    for (const service of ['kms', 'cloud-object-storage']) {
      const attributes = [
        { name: 'accountId', value: mainAccount.id },
        { name: 'serviceName', value: service },
      ]
      const grant = await keys.call('POST', '/v1/policies', {
        type: 'access',
        subjects: [{ attributes: [{ name: 'iam_id', value: serviceId }] }],
        roles: [{ role_id: 'crn:v1:bluemix:public:iam::::serviceRole:Reader' }],
        resources: [{ attributes }],
      })
      expect(grant.status).toBe(201)
    }
  })
  afterAll(() => house[Symbol.asyncDispose]())

  it('sees every page; what it may not do is off, and says what it takes', async () => {
    const pages: readonly (readonly [path: string, shown: string | RegExp, off?: readonly [string, string][]])[] = [
      ['/', 'Stored bytes by encryption', [['Create bucket', 'Needs Writer on objects']]],
      ['/buckets', bucket, [['Create bucket', 'Needs Writer on objects']]],
      ['/create-bucket', 'Advanced configuration', [['Create', 'Needs Writer on objects']]],
      [
        `/buckets/${bucket}/objects/?sel=a.txt`,
        'hello',
        [
          ['Upload', 'Needs Writer on objects'],
          ['New folder', 'Needs Writer on objects'],
        ],
      ],
      [`/buckets/${bucket}/objects/?sel=a.txt&tab=tags`, 'No tags yet', [['Add a tag', 'Needs Writer on objects']]],
      [`/buckets/${bucket}/encryption`, 'Move under another root key', [['Rewrap', 'Needs Manager on objects']]],
      [`/buckets/${bucket}/who-can-read`, 'Needs Manager on objects, and Viewer on main.'],
      [`/buckets/${bucket}/lifecycle`, 'No rules yet', [['Add a rule', 'Needs Writer on objects']]],
      [`/buckets/${bucket}/metrics`, 'Needs s3:GetBucketUsage'],
      [`/buckets/${bucket}/settings`, 'Needs Manager on objects.', [['Delete bucket…', 'Needs Writer on objects']]],
      ['/jobs', 'Needs Manager on objects.', [['Start now', 'Needs Manager on objects']]],
      ['/keys', 'finance-root', [['Create root key', 'Needs Writer on keys']]],
      [
        '/keys/keys/finance-root',
        'Versions and rotation',
        [
          ['Rotate now', 'Needs Writer on keys'],
          ['Disable…', 'Needs Manager on keys'],
        ],
      ],
      ['/providers', 'built-in'],
      ['/authorizations', 'No authorization for you to see', [['Create authorization', 'Needs Administrator on keys']]],
      ['/users', 'Needs Viewer on main.', [['Create service ID', 'Needs Editor on main']]],
      [`/users/${serviceId}`, 'Not for you to see.'],
      ['/policies', 'What you may not see is not listed.'],
      ['/activity', 'Needs Administrator on main.'],
      ['/metrics', 'Key operations'],
      ['/settings', 'auditor'],
    ]
    const page = await house.open('/ui/', { credentials: { apiKey } })
    for (const [path, shown, off = []] of pages) {
      await page.goto(`${house.url}/ui${path}`)
      await page.getByRole('main').getByText(shown).first().waitFor()
      for (const [name, why] of off) {
        const button = page.getByRole('main').getByRole('button', { name, exact: true }).first()
        await expect.poll(() => button.getAttribute('title'), { message: `${path} ${name}` }).toBe(why)
        expect(await button.getAttribute('aria-disabled')).toBe('true')
      }
      expect(await page.getByRole('main').getByRole('alert').allTextContents(), path).toEqual([])
      await expectGoodHints(page)
      if (/settings|jobs|users$/.test(path)) {
        await keepPicture(page, `reader${path.replaceAll('/', '-')}`)
        await expectAccessible(page)
      }
    }
    await page.keyboard.press('u')
    expectNoFaults(page)
  })

  it('is not told what encryption a bucket has that is none of theirs', async () => {
    const keys = await keyOwner(house.test.controlUrl)
    const made = await keys.call('POST', '/v1/serviceids', { account_id: mainAccount.id, name: 'outsider' })
    const json = { account_id: mainAccount.id, iam_id: made.json.iam_id, name: 'k' }
    const outsider = (await keys.call('POST', '/v1/apikeys', json)).json.apikey
    const page = await house.open('/ui/', { credentials: { apiKey: outsider } })
    for (const [path, heading] of [
      ['', 'Overview'],
      ['buckets', 'Buckets'],
    ] as const) {
      await page.goto(`${house.url}/ui/${path}`)
      await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
      await page.getByRole('main').getByText('to list the buckets').waitFor()
      for (const theme of ['dark', 'light']) {
        await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`)
        await keepPicture(page, `outsider-${heading}-${theme}`)
        await expectAccessible(page)
      }
    }
    await page.goto(`${house.url}/ui/`)
    await page.getByText('No root keys for you to see').waitFor()
    await page.getByLabel('Open a bucket by its name').fill(bucket)
    await page.keyboard.press('Enter')
    await page.waitForURL(new RegExp(`/ui/buckets/${bucket}`))
    await page.goto(`${house.url}/ui/buckets/${bucket}/encryption`)
    await page.getByRole('main').getByText('is not for you to see').waitFor()
    for (const text of ['Provider-managed', 'Coffer’s own root key'])
      expect([text, await page.getByText(text, { exact: true }).count()]).toEqual([text, 0])
  })

  it('is refused the same by the APIs themselves, and may read', async () => {
    const { send } = await signInAt(house.url, { apiKey })
    const put = await send({ method: 'PUT', target: `/ui/s3/${bucket}/b.txt`, body: 'x' })
    expect(put.status).toBe(403)
    const instance = { 'bluemix-instance': mainAccount.keyProtectInstance }
    const disable = await send({
      ...{ method: 'POST', target: `/ui/api/api/v2/keys/${keyId}/actions/disable`, headers: instance },
    })
    expect(disable.status).toBe(401)
    expect(String((await send({ method: 'GET', target: `/ui/s3/${bucket}/a.txt` })).body)).toBe('hello')
    const { Body } = await house.test.client().send(new GetObjectCommand({ Bucket: bucket, Key: 'a.txt' }))
    expect(await Body?.transformToString()).toBe('hello')
  })
})
