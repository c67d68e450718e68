import {
  CreateBucketCommand,
  GetBucketCorsCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

describe.skipIf(chromiumPath === undefined)('the tabs of a bucket', () => {
  let house: WebHouse
  let client: S3Client
  let keys: KeyOwner
  let keyId: string
  const bucket = 'ledger'
  beforeAll(async () => {
    house = await startWebHouse()
    client = house.test.client()
    keys = await keyOwner(house.test.controlUrl)
    keyId = (await keys.newKey('finance-root', { aliases: ['finance-root'] })).id
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    for (const name of ['a', 'b', 'c'])
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: `of ${name}` }))
  })
  afterAll(() => house[Symbol.asyncDispose]())

  const toast = (page: Page, text: string): Promise<void> => page.getByText(text).first().waitFor()

  it('are well made', async () => {
    const tabs = [
      ['encryption', 'Move under another root key'],
      ['settings', 'Delete bucket…'],
      ['lifecycle', 'No rules yet'],
    ] as const
    for (const [tab, text] of tabs) {
      const name = `bucket-${tab}`
      await expectWellMade(house, `/ui/buckets/${bucket}/${tab}`, name, (page) =>
        page.getByText(text).first().waitFor(),
      )
    }
  })

  it('show which of them is current, also where not all have room', async () => {
    const page = await house.open(`/ui/buckets/${bucket}/settings`, { width: 480 })
    await page.getByText('Delete bucket…').waitFor()
    for (const name of ['Settings', 'Objects', 'Lifecycle']) {
      const tab = page.locator('a.tab', { hasText: name })
      if (name !== 'Settings') await tab.click()
      await page.locator('.tab[aria-current]').getByText(name).waitFor()
      const { x = -1, width = 0 } = (await tab.boundingBox()) ?? {}
      expect([name, x >= 0, x + width <= 480]).toEqual([name, true, true])
    }
    await page.goto(`${house.url}/ui/metrics`)
    const { x = -1, width = 0 } = (await page.getByRole('link', { name: 'Metrics' }).first().boundingBox()) ?? {}
    expect([x >= 0, x + width <= 480]).toEqual([true, true])
    await page.context().close()
  })

  it('move it under a root key while everything stays readable', async () => {
    const { ETag } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'a' }))
    const page = await house.open(`/ui/buckets/${bucket}/encryption`)
    await page.getByRole('combobox', { name: /Key Name/ }).click()
    await page.getByRole('option', { name: /finance-root/ }).click()
    await page.getByText('objects may use keys.').waitFor()
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await toast(page, 'New objects are under finance-root from now on')
    await page.getByText('3 data keys rewrapped').waitFor()
    await page
      .getByRole('link', { name: /finance-root/ })
      .first()
      .waitFor()
    const read = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'a' }))
    expect(await read.Body?.transformToString()).toBe('of a')
    expect(read.ETag).toBe(ETag)
    await keys.act(keyId, 'disable')
    await expect(client.send(new GetObjectCommand({ Bucket: bucket, Key: 'b' }))).rejects.toMatchObject({
      name: 'KMS.DisabledException',
    })
    await keys.act(keyId, 'enable')
    await page.goto(`${house.url}/ui/jobs`)
    await page.getByText('3 data keys rewrapped').waitFor()
    await page.getByText('Not looked through yet').waitFor()
    await page.getByRole('button', { name: 'Start now' }).press('Enter')
    await page.getByText('No damage found').waitFor()
    await page.getByText(/3 objects, .* read, ended/).waitFor()
    expect((await keys.call('GET', '/admin/v1/scrub')).json.scrub).toMatchObject({ state: 'idle', objects: 3 })
    await expectWellMade(house, '/ui/jobs', 'jobs', (shown) => shown.getByText('3 data keys rewrapped').waitFor())
    expectNoFaults(page)
  })

  it('move it with new data keys, when asked to, and its contents sealed anew', async () => {
    const envelope = async () => {
      const { status, json } = await keys.call('GET', `/admin/v1/buckets/${bucket}/envelope?key=a`)
      expect(status).toBe(200)
      return json.envelopeId
    }
    const before = await envelope()
    const { ETag, LastModified } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'a' }))
    const page = await house.open(`/ui/buckets/${bucket}/encryption`)
    await page.getByRole('radio', { name: /Provider-managed encryption/ }).press('Space')
    await page.getByRole('radio', { name: /Re-encrypt objects/ }).press('Space')
    await page.getByText('Reads and writes 12 B.').waitFor()
    await page.getByText(`coffer bucket encrypt ${bucket} --re-encrypt --provider-managed`).waitFor()
    await keepPicture(page, 'bucket-re-encrypt')
    await page.getByRole('button', { name: 'Start', exact: true }).press('Enter')
    await page.getByText(/3 objects re-encrypted, 12 B, took (\d|less than a second)/).waitFor()
    await page.getByText('Done', { exact: true }).waitFor()
    const read = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'a' }))
    expect([await read.Body?.transformToString(), read.ETag, read.LastModified]).toEqual(['of a', ETag, LastModified])
    expect(await envelope()).not.toBe(before)
    await expectAccessible(page)
    expectNoFaults(page)
    await page.context().close()
  })

  it('tell who can read it, and how much lies in it', async () => {
    const page = await house.open(`/ui/buckets/${bucket}/who-can-read`)
    await page.getByRole('main').getByText('Main user').first().waitFor()
    await page.getByRole('navigation', { name: 'Of ledger' }).getByRole('link', { name: 'Metrics' }).click()
    await page.getByText('objects, all versions').waitFor()
    await page
      .getByRole('img', { name: /Data keys by the minute: [1-9]\d* opened, [1-9]\d* made or rewrapped/ })
      .waitFor()
    await page.getByRole('list', { name: 'Who used them' }).getByText('Main user').waitFor()
    expectNoFaults(page)
    for (const [tab, text] of [
      ['who-can-read', 'may read ledger'],
      ['metrics', 'objects, all versions'],
    ] as const)
      await expectWellMade(house, `/ui/buckets/${bucket}/${tab}`, `bucket-${tab}`, (shown) =>
        shown.getByText(text).first().waitFor(),
      )
  })

  it('set rules, a policy, tags and versioning as S3 then has them', async () => {
    const page = await house.open(`/ui/buckets/${bucket}/lifecycle`)
    await page.getByRole('button', { name: 'Add a rule' }).click()
    await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('logs')
    await page.getByRole('dialog').getByLabel('Prefix').fill('logs/')
    await page.getByRole('dialog').getByLabel('Delete after').fill('30')
    await page.getByRole('button', { name: 'Add rule' }).click()
    await page.getByText('deletes after 30 days').waitFor()
    const { Rules } = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }))
    expect(Rules).toMatchObject([{ ID: 'logs', Filter: { Prefix: 'logs/' }, Expiration: { Days: 30 } }])
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByText('No rules yet').waitFor()

    await page.getByRole('navigation', { name: 'Of ledger' }).getByRole('link', { name: 'Settings' }).click()
    await page.getByRole('switch', { name: 'Versioning' }).click()
    await toast(page, 'Versioning is on')
    expect((await client.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status).toBe('Enabled')
    const policy = page.getByLabel('Policy, as JSON')
    await policy.fill('{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps"}]}')
    const save = page.locator('section.card', { hasText: 'Policy, as JSON' }).getByRole('button', { name: 'Save' })
    await save.click()
    await page.getByText('The policy was refused.').waitFor()
    const good = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Deny',
          Principal: '*',
          Action: 's3:DeleteObject',
          Resource: `arn:aws:s3:::${bucket}/kept/*`,
        },
      ],
    }
    await policy.fill(JSON.stringify(good))
    await save.click()
    await toast(page, 'Policy saved')
    const stored = await client.send(new GetBucketPolicyCommand({ Bucket: bucket }))
    expect(JSON.parse(stored.Policy ?? '')).toMatchObject({ Statement: [{ Action: 's3:DeleteObject' }] })
    await page.getByRole('button', { name: 'Add a tag' }).click()
    await page.getByLabel('Name of tag 1').fill('team')
    await page.getByLabel('Value of tag 1').fill('finance')
    await page.getByRole('form', { name: 'Tags' }).getByRole('button', { name: 'Save' }).click()
    await toast(page, 'The tags were saved')
    const { TagSet } = await client.send(new GetBucketTaggingCommand({ Bucket: bucket }))
    expect(TagSet).toEqual([{ Key: 'team', Value: 'finance' }])
    expectNoFaults(page)
    await page.context().close()
  })

  it('overwrite nothing that others wrote meanwhile without a word', async () => {
    const Bucket = 'shared'
    await client.send(new CreateBucketCommand({ Bucket }))
    const ruleOf = (ID: string) => ({ ID, Status: 'Enabled', Filter: { Prefix: ID }, Expiration: { Days: 1 } }) as const
    const rules = async () =>
      (await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).Rules?.map(({ ID }) => ID)
    const page = await house.open(`/ui/buckets/${Bucket}/lifecycle`)
    await page.getByRole('button', { name: 'Add a rule' }).click()
    await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('ours')
    await page.getByRole('dialog').getByLabel('Delete after').fill('30')
    const LifecycleConfiguration = { Rules: [ruleOf('theirs')] }
    await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration }))
    await page.getByRole('button', { name: 'Add rule' }).click()
    await page.getByText('deletes after 30 days').waitFor()
    expect(await rules()).toEqual(['theirs', 'ours'])

    await page.goto(`${house.url}/ui/buckets/${Bucket}/settings`)
    const form = page.getByRole('form', { name: 'Tags' })
    await form.getByRole('button', { name: 'Add a tag' }).click()
    await form.getByLabel('Name of tag 1').fill('ours')
    const policy = page.getByLabel('Policy, as JSON')
    const policyOf = (Action: string): string =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Deny', Principal: '*', Action, Resource: `arn:aws:s3:::${Bucket}/*` }],
      })
    const stored = async () => (await client.send(new GetBucketPolicyCommand({ Bucket }))).Policy ?? ''
    await policy.fill(policyOf('s3:GetObjectTagging'))
    await client.send(new PutBucketPolicyCommand({ Bucket, Policy: policyOf('s3:DeleteObjectTagging') }))
    await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [{ Key: 'theirs', Value: '1' }] } }))
    const card = page.locator('section.card', { hasText: 'Policy, as JSON' })
    await card.getByRole('button', { name: 'Save' }).click()
    await card.getByText('Somebody changed the policy meanwhile.').waitFor()
    expect(await stored()).toContain('s3:DeleteObjectTagging')
    await form.getByRole('button', { name: 'Save' }).click()
    await form.getByText('Somebody changed the tags meanwhile.').waitFor()
    await keepPicture(page, 'bucket-changed')
    await expectAccessible(page)
    await card.getByRole('button', { name: 'Keep mine' }).click()
    await card.getByRole('button', { name: 'Save' }).click()
    await toast(page, 'Policy saved')
    expect(await stored()).toContain('s3:GetObjectTagging')
    await form.getByRole('button', { name: 'Take theirs' }).click()
    expect(await form.getByLabel('Name of tag 1').inputValue()).toBe('theirs')
    expectNoFaults(page)
    await page.context().close()
  })

  it('set retention, CORS, the public access block and a quota as the APIs then have them', async () => {
    const name = 'retained'
    await client.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: true }))
    const page = await house.open(`/ui/buckets/${name}/settings`)
    await page.getByLabel('Retention of new objects').selectOption('GOVERNANCE')
    await page.getByLabel(/^For/).fill('30')
    await page
      .locator('section.card', { hasText: 'Retention of new objects' })
      .getByRole('button', { name: 'Save' })
      .press('Enter')
    await toast(page, 'The retention of new objects was saved')
    const lock = await client.send(new GetObjectLockConfigurationCommand({ Bucket: name }))
    expect(lock.ObjectLockConfiguration?.Rule).toEqual({ DefaultRetention: { Mode: 'GOVERNANCE', Days: 30 } })
    expect(await page.getByRole('switch', { name: 'Versioning' }).isDisabled()).toBe(true)

    const cors = page.locator('section.card', { hasText: 'CORS, as XML' })
    await cors.getByLabel('CORS, as XML').fill('<CORSConfiguration><CORSRule/></CORSConfiguration>')
    await cors.getByRole('button', { name: 'Save' }).click()
    await page.getByText('The cors was refused.').waitFor()
    const rule = '<AllowedOrigin>https://app.example.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod>'
    await cors.getByLabel('CORS, as XML').fill(`<CORSConfiguration><CORSRule>${rule}</CORSRule></CORSConfiguration>`)
    await cors.getByRole('button', { name: 'Save' }).click()
    await toast(page, 'CORS saved')
    const { CORSRules } = await client.send(new GetBucketCorsCommand({ Bucket: name }))
    expect(CORSRules).toMatchObject([{ AllowedOrigins: ['https://app.example.com'], AllowedMethods: ['GET'] }])
    await cors.getByRole('button', { name: 'Remove' }).click()
    await toast(page, 'CORS removed')
    await expect(client.send(new GetBucketCorsCommand({ Bucket: name }))).rejects.toMatchObject({
      name: 'NoSuchCORSConfiguration',
    })

    const open = page.getByRole('switch', { name: 'Refuse policies that make public' })
    expect(await open.getAttribute('aria-checked')).toBe('true')
    await open.press('Space')
    await toast(page, 'Public access was changed')
    const block = await client.send(new GetPublicAccessBlockCommand({ Bucket: name }))
    expect(block.PublicAccessBlockConfiguration).toMatchObject({ BlockPublicPolicy: false, BlockPublicAcls: true })

    await page.getByLabel('At most').fill('0.000001')
    await page.getByRole('form', { name: 'Quota' }).getByRole('button', { name: 'Save' }).click()
    await toast(page, 'The quota was saved')
    await page.getByText('0 B of 1.00 kB').waitFor()
    expect((await keys.call('GET', `/v1/b/${name}`)).json).toMatchObject({ hard_quota: 1000 })
    await page.getByLabel('At most').fill('5')
    expect((await keys.call('PATCH', `/v1/b/${name}`, { hard_quota: 1500 })).status).toBeLessThan(300)
    await page.getByRole('form', { name: 'Quota' }).getByRole('button', { name: 'Save' }).click()
    await page.getByText('Somebody changed it meanwhile: 1.50 kB is what it is now.').waitFor()
    expect((await keys.call('GET', `/v1/b/${name}`)).json).toMatchObject({ hard_quota: 1500 })
    const beyond = new PutObjectCommand({ Bucket: name, Key: 'large', Body: 'x'.repeat(2000) })
    await expect(client.send(beyond)).rejects.toThrow()
    await expectWellMade(house, `/ui/buckets/${name}/settings`, 'bucket-locked-settings', (shown) =>
      shown.getByLabel('Retention of new objects').waitFor(),
    )
    expectNoFaults(page)
  })

  it('delete it when it is empty and its name was typed', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'short-lived' }))
    const page = await house.open('/ui/buckets/short-lived/settings')
    await page.getByRole('button', { name: 'Delete bucket…' }).click()
    await page.getByLabel('Type short-lived to confirm').fill('short-lived')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete bucket', exact: true }).click()
    await page.getByRole('heading', { name: 'Buckets', level: 1 }).waitFor()
    await expect(client.send(new HeadBucketCommand({ Bucket: 'short-lived' }))).rejects.toThrow()
    expectNoFaults(page)
  })
})
