import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccessKey } from '../support/console-client.ts'
import { startHouse } from '../support/house.ts'
import { keyOwner } from '../support/keys.ts'
import { type KeysHalf, startKeysHalf } from '../support/keys-half.ts'
import { chromiumPath, expectAccessible, expectNoFaults, keepPicture, startWebHouse, type WebHouse } from './support.ts'

describe.skipIf(chromiumPath === undefined)('when things are not as they should be, the console', () => {
  let house: WebHouse
  beforeAll(async () => {
    house = await startWebHouse()
    await house.test.client().send(new CreateBucketCommand({ Bucket: 'plain' }))
  })
  afterAll(() => house[Symbol.asyncDispose]())

  it('says what failed with the id of the request, and tries again', async () => {
    const page = await house.open('/ui/')
    await page.route(/admin\/v1\/jobs/, (route) =>
      route.fulfill({
        ...{ status: 500, contentType: 'application/json', headers: { 'x-request-id': 'f00d-cafe' } },
        body: '{"error":{"code":"InternalError","message":"We encountered an internal error."}}',
      }),
    )
    await page.goto(`${house.url}/ui/jobs`)
    const alert = page.getByRole('alert').filter({ hasText: 'The jobs could not be listed.' })
    await alert.getByText('f00d-cafe').waitFor()
    await alert.getByText('InternalError').waitFor()
    await keepPicture(page, 'state-error')
    await expectAccessible(page)
    await page.unroute(/admin\/v1\/jobs/)
    await alert.getByRole('button', { name: 'Retry' }).press('Enter')
    await page.getByText('Nothing was rewrapped yet').waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
    expectNoFaults(page)
    await page.context().close()
  })

  it('says that the server does not answer, keeps what is shown, and goes on by itself when it is back', async () => {
    const page = await house.open('/ui/buckets')
    await page.getByRole('link', { name: 'plain', exact: true }).waitFor()
    await page.context().setOffline(true)
    await page.getByRole('link', { name: 'Jobs' }).click()
    await page.getByText('The server does not answer.').waitFor()
    await page.getByText('No answer').waitFor()
    await page
      .getByRole('navigation', { name: 'Main' })
      .getByRole('link', { name: /^Buckets/ })
      .click()
    await keepPicture(page, 'state-no-answer')
    await expectAccessible(page)
    await house.test.client().send(new CreateBucketCommand({ Bucket: 'made-meanwhile' }))
    await page.context().setOffline(false)
    await page.getByRole('link', { name: 'made-meanwhile' }).waitFor()
    await page.getByText('The server does not answer.').waitFor({ state: 'detached' })
    expectNoFaults(page)
    await page.context().close()
  })

  it('says that the clocks differ before signed requests fail', async () => {
    const page = await house.openSignedOut('/ui/', { credentials: mainAccessKey })
    await page.clock.install({ time: Date.now() + 7 * 60_000 })
    await page.reload()
    await page.getByText('This computer’s clock is 7 minutes ahead of the server’s.').waitFor()
    await keepPicture(page, 'state-clock')
    await expectAccessible(page)
    expectNoFaults(page)
    await page.context().close()
  })
})

describe.skipIf(chromiumPath === undefined)('a bucket whose key service cannot be reached', () => {
  let directory: string
  let half: KeysHalf
  let house: WebHouse
  let client: S3Client
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'coffer-web-states-'))
    half = await startKeysHalf({ directory })
    house = await startWebHouse({ directory, settings: half.settings })
    client = house.test.client()
    const keys = await keyOwner(half.server.controlUrl)
    const { crn } = await keys.newKey('finance-root', { aliases: ['finance-root'] })
    await client.send(new CreateBucketCommand({ Bucket: 'invoices' }))
    const own = await keyOwner(house.url)
    const moved = await own.call('PUT', '/admin/v1/buckets/invoices/encryption', {
      ...{ encryption: 'customer-managed', rootKeyCrn: crn },
    })
    expect(moved.status).toBeLessThan(300)
    await client.send(new PutObjectCommand({ Bucket: 'invoices', Key: 'a.txt', Body: 'sealed' }))
  })
  afterAll(async () => {
    await house[Symbol.asyncDispose]()
    await half[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  })

  const read = (): Promise<string> =>
    client.send(new GetObjectCommand({ Bucket: 'invoices', Key: 'a.txt' })).then(
      ({ Body }) => Body?.transformToString() ?? '',
      (error) => error.name,
    )

  it('is amber, not red, says what S3 answers, and is well again when the service is back', async () => {
    let page: Page | undefined
    await half.restart(async () => {
      await expect.poll(read, { timeout: 20_000 }).toBe('ServiceUnavailable')
      page = await house.open('/ui/buckets/invoices')
      await page.getByText('The key service cannot be reached.').waitFor()
      await page.getByText('Key unreachable').waitFor()
      expect(await page.locator('.note.warn').count()).toBeGreaterThan(0)
      await keepPicture(page, 'state-unreachable')
      await expectAccessible(page)
    })
    await expect.poll(read, { timeout: 20_000 }).toBe('sealed')
    await page?.reload()
    await page?.getByRole('link', { name: 'a.txt' }).waitFor()
    await page?.getByText('The key service cannot be reached.').waitFor({ state: 'detached' })
  })
})

describe.skipIf(chromiumPath === undefined)('a server whose disk has no more room to give', () => {
  let directory: string
  let house: WebHouse
  let client: S3Client
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'coffer-web-full-'))
    {
      await using before = await startHouse({ directory })
      const s3 = before.client()
      await s3.send(new CreateBucketCommand({ Bucket: 'kept' }))
      for (const Key of ['kept.txt', 'to-go.txt'])
        await s3.send(new PutObjectCommand({ Bucket: 'kept', Key, Body: Key }))
    }
    house = await startWebHouse({ directory, settings: { COFFER_DISK_RESERVE_BYTES: String(2 ** 52) } })
    client = house.test.client()
  })
  afterAll(async () => {
    await house[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  })

  it('says so over every page and at the upload that is refused, shows what there is, and lets room be made', async () => {
    const page = await house.open('/ui/buckets/kept')
    await page.getByRole('link', { name: 'kept.txt' }).waitFor()
    await page
      .getByLabel('Files to upload')
      .setInputFiles({ name: 'new.txt', mimeType: 'text/plain', buffer: Buffer.from('new') })
    const tray = page.getByRole('region', { name: 'Uploads' })
    await tray
      .getByText(/room|space|full/i)
      .first()
      .waitFor()
    await keepPicture(page, 'state-full')
    await expectAccessible(page)
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'kept' }))
    expect(Contents.map(({ Key }) => Key)).toEqual(['kept.txt', 'to-go.txt'])
    await page.getByRole('link', { name: /problem/ }).press('Enter')
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
    await page
      .getByText(/room|space|full/i)
      .first()
      .waitFor()
    await keepPicture(page, 'state-full-settings')
    await expectAccessible(page)
    const read = await client.send(new GetObjectCommand({ Bucket: 'kept', Key: 'kept.txt' }))
    expect(await read.Body?.transformToString()).toBe('kept.txt')
    await page.goto(`${house.url}/ui/buckets/kept`)
    await page.getByRole('button', { name: 'Actions for to-go.txt' }).click()
    await page.getByRole('menuitem', { name: 'Delete…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click()
    await page.getByRole('link', { name: 'to-go.txt' }).waitFor({ state: 'detached' })
    const left = await client.send(new ListObjectsV2Command({ Bucket: 'kept' }))
    expect(left.Contents?.map(({ Key }) => Key)).toEqual(['kept.txt'])
    expectNoFaults(page)
  })
})
