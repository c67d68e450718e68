import { PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { keyOwner } from '../support/keys.ts'
import { makeBucket } from '../support/s3.ts'
import { chromiumPath, expectNoFaults, startWebHouse, type WebHouse } from './support.ts'
import { walk } from './walk.ts'

describe.skipIf(chromiumPath === undefined)('whatever opens is accessible in both themes', () => {
  let house: WebHouse
  let serviceId: string
  beforeAll(async () => {
    house = await startWebHouse()
    const client = house.test.client()
    const keys = await keyOwner(house.test.controlUrl)
    const ids: string[] = []
    for (const name of ['finance-root', 'archive-2023', 'gone-root']) {
      const { crn, id } = await keys.newKey(name, { aliases: [name] })
      ids.push(id)
      await makeBucket(client, `of-${name}`, crn)
      await client.send(
        new PutObjectCommand({ Bucket: `of-${name}`, Key: 'a.txt', Body: 'one', ContentType: 'text/plain' }),
      )
    }
    const Bucket = 'of-finance-root'
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    await client.send(new PutObjectCommand({ Bucket, Key: 'a.txt', Body: 'two', ContentType: 'text/plain' }))
    await client.send(new PutObjectCommand({ Bucket, Key: '2026/b.txt', Body: 'b' }))
    const [, archive = '', gone = ''] = ids
    await keys.act(archive, 'disable')
    await keys.remove(gone)
    const made = await keys.call('POST', '/v1/serviceids', { account_id: mainAccount.id, name: 'svc-web' })
    serviceId = made.json.iam_id
    const granted = await keys.call('POST', '/v1/policies', {
      type: 'access',
      subjects: [{ attributes: [{ name: 'iam_id', value: serviceId }] }],
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
    expect(granted.status).toBe(201)
    await house.test.settled()
  })
  afterAll(() => house[Symbol.asyncDispose]())

  const walked = { seen: new Set<string>(), tried: new Set<string>() }
  /** All that opens on these pages, choices and refusals apart. */
  const opened = async (...places: readonly string[]): Promise<readonly string[]> => {
    const before = new Set(walked.seen)
    for (const where of places) {
      const page = await house.open(where)
      await walk(page, where, walked)
      expectNoFaults(page)
      await page.context().close()
    }
    return [...walked.seen].filter((layer) => !before.has(layer) && /^(dialog|menu|section|list) /.test(layer))
  }
  const LONG_MS = 300_000

  it('of root keys, and of the frame of all pages', { timeout: LONG_MS }, async () => {
    const key = (name: string): string => `/ui/keys/keys/${name}`
    const found = await opened('/ui/keys', key('finance-root'), key('archive-2023'), key('gone-root'))
    expect(found).toEqual(
      expect.arrayContaining([
        ...['menu MU, signed in as Main user', 'dialog Search and commands', 'dialog Keyboard shortcuts'],
        ...['dialog Create root key', 'dialog Import root key', 'section Advanced options'],
        ...['menu More actions of this key', 'dialog Policies of finance-root'],
        ...['Rotate', 'Disable', 'Delete'].map((what) => `dialog ${what} finance-root?`),
        ...['dialog Enable archive-2023?', 'dialog Restore gone-root?'],
      ]),
    )
  })

  it('of buckets and objects', { timeout: LONG_MS }, async () => {
    const bucket = '/ui/buckets/of-finance-root'
    const found = await opened(
      ...['/ui/', '/ui/buckets', '/ui/create-bucket', bucket, `${bucket}?sel=a.txt`, '/ui/buckets/of-archive-2023'],
      ...['encryption', 'who-can-read', 'lifecycle', 'metrics', 'settings'].map((tab) => `${bucket}/${tab}`),
    )
    expect(found).toEqual(
      expect.arrayContaining([
        ...['section Advanced configuration', 'list Key Name', 'dialog New folder', 'menu More ways to upload'],
        ...[`menu of a row of ${bucket}`, 'dialog Delete 3 selected entries?', 'dialog Delete 2026/?'],
        ...['dialog Share a link', 'dialog Add a rule'],
      ]),
    )
  })

  it('of people, authorizations and what goes on', { timeout: LONG_MS }, async () => {
    const found = await opened(
      ...['/ui/authorizations', '/ui/users', `/ui/users/${serviceId}`, `/ui/users/${mainAccount.user.iamId}`],
      ...['/ui/policies', '/ui/providers', '/ui/jobs', '/ui/activity', '/ui/metrics', '/ui/settings', '/ui/api-docs'],
    )
    expect(found).toEqual(
      expect.arrayContaining([
        ...['dialog Create authorization', 'menu of a row of /ui/authorizations', 'dialog Delete “Reader on keys”?'],
        ...['dialog Add user', 'dialog Create service ID'],
      ]),
    )
  })
})
