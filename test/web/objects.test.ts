import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signInAt } from '../support/console-client.ts'
import { keyOwner } from '../support/keys.ts'
import { makeBucket } from '../support/s3.ts'
import {
  chromiumPath,
  expectAccessible,
  expectNoFaults,
  expectWellMade,
  keepPicture,
  startWebHouse,
  type WebHouse,
} from './support.ts'

const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC',
  'base64',
)

describe.skipIf(chromiumPath === undefined)('the objects of a bucket', () => {
  let house: WebHouse
  let client: S3Client
  const bucket = 'invoices-eu'
  beforeAll(async () => {
    house = await startWebHouse()
    client = house.test.client()
    const keys = await keyOwner(house.test.controlUrl)
    const { crn } = await keys.newKey('finance-root', { aliases: ['finance-root'] })
    await makeBucket(client, bucket, crn)
    const versioned = { Status: 'Enabled' } as const
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: versioned }))
    const put = (Key: string, Body: string | Buffer, ContentType: string) =>
      client.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ContentType, ChecksumAlgorithm: 'CRC64NVME' }))
    for (const body of ['one', 'two', 'the third draft of the letter'])
      await put('2026/11/acme-0419.txt', body, 'text/plain')
    await put('2026/11/signature.png', PICTURE, 'image/png')
    await put('2026/11/disputes/one.txt', 'x', 'text/plain')
    await put('2026/11/a b+c?.csv', 'a,b\n1,2\n', 'text/csv')
  })
  afterAll(() => house[Symbol.asyncDispose]())

  const under = (prefix: string): Promise<(string | undefined)[]> =>
    client
      .send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }))
      .then(({ Contents = [] }) => Contents.map(({ Key }) => Key))

  it('are well made', async () => {
    const where = `/ui/buckets/${bucket}/objects/2026/11/?sel=acme-0419.txt&tab=envelope`
    await expectWellMade(house, where, 'objects', async (page) => {
      await page.getByText('Data key, stored wrapped').waitFor()
      await page.getByText('the third draft').waitFor()
      if ((page.viewportSize()?.width ?? 0) > 980) await page.getByRole('cell', { name: 'v1' }).first().waitFor()
    })
  })

  it('are reached by keyboard: a prefix, rows, a choice, its panel, and back', async () => {
    const page = await house.open(`/ui/buckets/${bucket}`)
    await page.getByRole('link', { name: '2026/' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('2026/11/')
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'acme-0419.txt' }).waitFor()
    expect(new URL(page.url()).pathname).toBe(`/ui/buckets/${bucket}/objects/2026/11/`)
    for (const key of ['j', 'j', 'j', 'Space']) await page.keyboard.press(key)
    await page.getByText('1 selected').waitFor()
    expect(await page.getByRole('checkbox', { name: 'Select acme-0419.txt' }).isChecked()).toBe(true)
    await page.keyboard.press('Enter')
    await page.getByRole('complementary', { name: 'acme-0419.txt' }).waitFor()
    await page.getByText('the third draft of the letter').waitFor()
    await page.locator('h2:focus').getByText('acme-0419.txt').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('complementary', { name: 'acme-0419.txt' }).waitFor({ state: 'detached' })
    // With the mouse first, then by keyboard: the keys are not the clicked box's.
    await page.getByRole('checkbox', { name: 'Select disputes/' }).click()
    await page.getByText('2 selected').waitFor()
    for (const key of ['j', 'j', 'Space']) await page.keyboard.press(key)
    await page.getByText('1 selected').waitFor()
    expect(await page.getByRole('checkbox', { name: 'Select acme-0419.txt' }).isChecked()).toBe(false)
    expectNoFaults(page)
  })

  it('are downloaded as they are, pictures previewed, tags kept', async () => {
    const page = await house.open(`/ui/buckets/${bucket}/objects/2026/11/?sel=signature.png`)
    const picture = page.getByRole('img', { name: 'Preview of 2026/11/signature.png' })
    await picture.waitFor()
    await expect.poll(() => page.evaluate('document.querySelector(".preview img").naturalWidth')).toBe(10)
    await page.getByText('CRC64NVME').waitFor()
    await page.getByRole('link', { name: 'a b+c?.csv' }).click()
    await page.getByText('a,b').waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('a b+c?.csv'.replace('?', '_'))
    await page.getByRole('tab', { name: 'Tags' }).click()
    await page.getByRole('button', { name: 'Add a tag' }).click()
    await page.getByLabel('Name of tag 1').fill('case')
    await page.getByLabel('Value of tag 1').fill('acme + co')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('The tags were saved').first().waitFor()
    const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: '2026/11/a b+c?.csv' }))
    expect(TagSet).toEqual([{ Key: 'case', Value: 'acme + co' }])
    await expectAccessible(page)
    expectNoFaults(page)
  })

  it('of somebody else’s making never run in a preview', async () => {
    const page_ = '<script>document.title = "taken"; fetch("/ui/session", { method: "DELETE" })</script><h1>hello</h1>'
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" onload="parent.document.title='taken'"><script>parent.document.title='taken'</script></svg>`
    for (const [Key, Body, ContentType] of [
      ['wild/page.html', page_, 'text/html'],
      ['wild/drawing.svg', svg, 'image/svg+xml'],
    ] as const)
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ContentType }))
    const page = await house.open(`/ui/buckets/${bucket}/objects/wild/?sel=page.html`)
    await page.getByRole('link', { name: 'drawing.svg' }).waitFor()
    for (const name of ['page.html', 'drawing.svg']) {
      await page.getByRole('link', { name }).click()
      await page.getByRole('complementary', { name }).getByText('Download').waitFor()
      await page.waitForLoadState('networkidle')
      expect(await page.title()).toContain(bucket)
      expect(await page.locator('.preview iframe, .preview object, .preview embed').count()).toBe(0)
    }
    expectNoFaults(page)
    const { send } = await signInAt(house.url)
    for (const name of ['page.html', 'drawing.svg']) {
      const { headers } = await send({ method: 'GET', target: `/ui/preview/${bucket}/wild/${name}` })
      expect(headers['content-security-policy']).toContain('sandbox')
      expect(headers['content-disposition']).toContain('attachment')
      expect(headers['x-content-type-options']).toBe('nosniff')
    }
  })

  it('come back as an earlier version, and after they were deleted', async () => {
    const page = await house.open(`/ui/buckets/${bucket}/objects/2026/11/?sel=acme-0419.txt&tab=versions`)
    await page.getByRole('button', { name: 'Restore' }).last().click()
    await page.getByText('The version was restored').first().waitFor()
    const Key = '2026/11/acme-0419.txt'
    const read = await client.send(new GetObjectCommand({ Bucket: bucket, Key }))
    expect(await read.Body?.transformToString()).toBe('one')
    await keepPicture(page, 'objects-versions')
    await page.getByRole('button', { name: 'Actions for acme-0419.txt' }).click()
    await page.getByRole('menuitem', { name: 'Delete…' }).click()
    await page.getByRole('dialog').getByText('All versions stay').waitFor()
    await expectAccessible(page)
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByText('1 object deleted').first().waitFor()
    await expect(client.send(new HeadObjectCommand({ Bucket: bucket, Key }))).rejects.toThrow()
    await page.getByRole('button', { name: 'All versions' }).click()
    await page.getByText('Deleted', { exact: true }).first().waitFor()
    await page.getByRole('link', { name: 'acme-0419.txt' }).first().click()
    await page.getByRole('tab', { name: /Versions/ }).click()
    await page.getByText('It was deleted. Its versions can be restored.').waitFor()
    await keepPicture(page, 'objects-deleted')
    await page.getByRole('button', { name: 'Restore' }).first().click()
    await page.getByText('The object is back').first().waitFor()
    expect((await client.send(new HeadObjectCommand({ Bucket: bucket, Key }))).ContentLength).toBe(3)
    expectNoFaults(page)
  })

  it('get a new folder, and go with one for good, every version', async () => {
    const page = await house.open(`/ui/buckets/${bucket}/objects/2026/11/`)
    await page.getByRole('button', { name: 'New folder' }).click()
    await page.getByLabel('Name', { exact: true }).fill('drafts')
    await page.keyboard.press('Enter')
    await page.getByText('Nothing is under this prefix').waitFor()
    expect(await under('2026/11/drafts/')).toEqual(['2026/11/drafts/'])
    // Of a name that XML cannot have, so that it is in no list of those to be deleted.
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: '2026/11/drafts/\u001b[2J', Body: 'x' }))
    await page.getByRole('navigation', { name: 'Folders' }).getByRole('link', { name: '11', exact: true }).click()
    await page.getByRole('checkbox', { name: 'Select disputes/' }).check()
    await page.getByRole('checkbox', { name: 'Select drafts/' }).check()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByRole('radio', { name: /Delete every version/ }).check()
    await page.getByRole('button', { name: 'Delete for good' }).click()
    await page.getByText('versions deleted').first().waitFor()
    const left = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: '2026/11/d' }))
    expect([...(left.Versions ?? []), ...(left.DeleteMarkers ?? [])]).toEqual([])
    expectNoFaults(page)
  })

  /** In pages of 60, so that it takes no thousands. */
  const openedInPages = async (name: string): Promise<Page> => {
    const page = await house.open('/ui/buckets')
    await page.route(/max-keys=1000/, (route) =>
      route.continue({ url: route.request().url().replace('max-keys=1000', 'max-keys=60') }),
    )
    await page.goto(`${house.url}/ui/buckets/${name}/objects/in/`)
    return page
  }
  const openedWhole = async (name: string, count: number): Promise<Page> => {
    const page = await openedInPages(name)
    for (const seen of ['60 so far', '120 so far']) {
      await page.getByText(`${seen} under this prefix`).waitFor()
      await page.getByRole('button', { name: 'Load more' }).click()
    }
    await page.getByText(`${count} under this prefix`).waitFor()
    return page
  }

  it('are listed in part, however many there are', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'many' }))
    const put = async (index: number): Promise<void> => {
      await client.send(
        new PutObjectCommand({ Bucket: 'many', Key: `in/${String(index).padStart(5, '0')}`, Body: 'x' }),
      )
    }
    await Promise.all(Array.from({ length: 150 }, (_, index) => put(index)))
    const page = await openedInPages('many')
    await page.getByText('60 so far under this prefix').waitFor()
    expect(await page.getByRole('row').count()).toBeLessThan(50)
    await page.getByRole('button', { name: 'Load more' }).click()
    await page.getByText('120 so far under this prefix').waitFor()
    const toEnd = 'const frame = document.querySelector(".object-frame"); frame.scrollTop = frame.scrollHeight'
    await page.evaluate(toEnd)
    await page.getByText('150 under this prefix').waitFor()
    await page.evaluate(toEnd)
    await page.getByRole('link', { name: '00149' }).waitFor()
    expect(await page.getByRole('row').count()).toBeLessThan(50)
    expectNoFaults(page)
  })

  it('are told of as others write them, with what was chosen and looked at left as it is', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'shared' }))
    const put = (name: string) => client.send(new PutObjectCommand({ Bucket: 'shared', Key: `in/${name}`, Body: 'x' }))
    await Promise.all(Array.from({ length: 150 }, (_, index) => put(String(index).padStart(5, '0'))))
    const page = await openedWhole('shared', 150)
    await page.getByLabel('Select all').check()
    await page.getByText('150 selected').waitFor()

    const frame = page.locator('.object-frame')
    const topOf = (name: string): Promise<number> =>
      page.getByRole('link', { name, exact: true }).evaluate((link) => link.getBoundingClientRect().top)
    await frame.evaluate((element) => {
      element.scrollTop = 85 * 48
    })
    const top = await topOf('00087')
    await put('00088-of-another')
    await client.send(new DeleteObjectCommand({ Bucket: 'shared', Key: 'in/00090' }))
    await page.getByRole('link', { name: '00088-of-another' }).waitFor()
    await page.getByText('149 selected').waitFor()
    await page.getByText('1 selected object was deleted meanwhile').first().waitFor()
    expect(await topOf('00087')).toBe(top)

    // Above what is looked at, in the same page: what is looked at stays.
    await put('00061-of-another')
    await page.getByText('151 under this prefix').waitFor()
    expect(await topOf('00087')).toBe(top)
    await page.getByText('149 selected').waitFor()

    await put('00000-of-another')
    await frame.evaluate((element) => {
      element.scrollTop = 0
    })
    await page.getByRole('link', { name: '00000-of-another' }).waitFor()
    await page.getByText('149 selected').waitFor()
    expectNoFaults(page)
  })

  it('all go when all are chosen, page by page, and those that nobody looks at', async () => {
    const page = await openedWhole('shared', 152)
    await page.getByLabel('Select all').check()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Delete/ })
      .click()
    await page.getByText('Nothing is under this prefix').waitFor()
    expect((await client.send(new ListObjectVersionsCommand({ Bucket: 'shared' }))).Versions).toBeUndefined()
    expectNoFaults(page)
  })

  it('of a folder that is not loaded to its end go with the folder, and what is beside it stays', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'rest' }))
    const names = ['in', 'inn/0', ...Array.from({ length: 130 }, (_, index) => `in/${index}`)]
    await Promise.all(names.map((Key) => client.send(new PutObjectCommand({ Bucket: 'rest', Key, Body: 'x' }))))
    const page = await openedInPages('rest')
    await page.getByText('60 so far under this prefix').waitFor()
    await page.getByLabel('Select all').check()
    await page.getByText('of those that are loaded; there are more under this prefix').waitFor()
    await page.getByRole('button', { name: 'Delete the whole folder' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete in/?' })
    await dialog.getByText('and all that is in it').waitFor()
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Delete for good' }).click()
    await page.getByText('Nothing is under this prefix').waitFor()
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'rest' }))
    expect(Contents.map(({ Key }) => Key)).toEqual(['in', 'inn/0'])
    expectNoFaults(page)
    await page.context().close()
  })
})
