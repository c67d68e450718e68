import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumPath, expectAccessible, expectNoFaults, keepPicture, startWebHouse, type WebHouse } from './support.ts'

const MIB = 1024 * 1024
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** As from the desktop: files and folders, which the browser itself opens. */
async function dropFiles(page: Page, files: string[]): Promise<void> {
  const debug = await page.context().newCDPSession(page)
  const data = { items: [], files, dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await debug.send('Input.dispatchDragEvent', { type, x: 700, y: 500, data })
  await debug.detach()
}

describe.skipIf(chromiumPath === undefined)('uploads', () => {
  let house: WebHouse
  let client: S3Client
  let directory: string
  const bucket = 'drop-box'
  const large = randomBytes(18 * MIB)
  beforeAll(async () => {
    house = await startWebHouse()
    client = house.test.client()
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    directory = await mkdtemp(join(tmpdir(), 'coffer-uploads-'))
    await writeFile(join(directory, 'large.bin'), large)
    await writeFile(join(directory, 'small.txt'), 'small')
    await mkdir(join(directory, 'folder/deep'), { recursive: true })
    await writeFile(join(directory, 'folder/one.txt'), 'one')
    await writeFile(join(directory, 'folder/deep/two.txt'), 'two')
  })
  afterAll(async () => {
    await house[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  })

  const read = async (key: string): Promise<Uint8Array> => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    return (await Body?.transformToByteArray()) ?? new Uint8Array()
  }

  it('take files and folders, and show the checksum that the server has, too', async () => {
    const page = await house.open(`/ui/buckets/${bucket}/objects/in/`)
    await page.getByText('Nothing is under this prefix').waitFor()
    await page.getByLabel('Files to upload').setInputFiles(join(directory, 'small.txt'))
    await page.getByLabel('Folder to upload').setInputFiles(join(directory, 'folder'))
    await page.getByText('3 uploads done').waitFor()
    await page.getByRole('link', { name: 'folder/', exact: true }).waitFor()
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
    expect(Contents.map(({ Key }) => Key)).toEqual(['in/folder/deep/two.txt', 'in/folder/one.txt', 'in/small.txt'])
    const command = new HeadObjectCommand({ Bucket: bucket, Key: 'in/small.txt', ChecksumMode: 'ENABLED' })
    const { ChecksumCRC32, ContentType } = await client.send(command)
    expect(ContentType).toBe('text/plain')
    await page.getByText(`CRC32 ${ChecksumCRC32}`).waitFor()
    await expectAccessible(page)
    expectNoFaults(page)
  })

  it('take what is dropped on the page', async () => {
    const page = await house.open(`/ui/buckets/${bucket}`)
    await page.getByRole('link', { name: 'in/' }).waitFor()
    const drop = (type: string): string => `{
      const transfer = new DataTransfer()
      transfer.items.add(new File(['dropped'], 'dropped.txt', { type: 'text/plain' }))
      document.body.dispatchEvent(new DragEvent('${type}', { bubbles: true, cancelable: true, dataTransfer: transfer }))
    }`
    await page.evaluate(drop('dragenter'))
    await page.getByText('Drop to upload into').waitFor()
    await page.evaluate(drop('drop'))
    await page.getByText('1 upload done').waitFor()
    expect(new TextDecoder().decode(await read('dropped.txt'))).toBe('dropped')
    expectNoFaults(page)
  })

  it('take a folder that is dropped, with all that is in it', async () => {
    const page = await house.open(`/ui/buckets/${bucket}`)
    await page.getByRole('link', { name: 'in/' }).waitFor()
    await dropFiles(page, [join(directory, 'folder'), join(directory, 'small.txt')])
    await page.getByText('3 uploads done').waitFor()
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
    const keys = Contents.map(({ Key }) => Key)
    expect(keys).toEqual(expect.arrayContaining(['folder/deep/two.txt', 'folder/one.txt', 'small.txt']))
    expect(new TextDecoder().decode(await read('folder/deep/two.txt'))).toBe('two')
    expectNoFaults(page)
  })

  it('go on after a reload with the file that the browser lends, or with the same file chosen again', async () => {
    const page = await house.open(`/ui/buckets/${bucket}/objects/lent/`)
    await page.getByText('Nothing is under this prefix').waitFor()
    let sent = 0
    await page.route(/partNumber=/, (route) => (sent++ === 0 ? route.continue() : undefined))
    await dropFiles(page, [join(directory, 'large.bin')])
    await page.getByText('1 of 3 parts stored, resumes after a reload').waitFor()
    await page.getByRole('button', { name: 'Pause large.bin' }).click()
    await page.unroute(/partNumber=/)
    await page.reload()
    const again: string[] = []
    page.on('request', (request) => {
      if (/partNumber=/.test(request.url())) again.push(request.url())
    })
    await page.getByRole('button', { name: 'Resume large.bin' }).click()
    // A browser that lends nothing any more asks for the file.
    const isAsked = page.getByRole('button', { name: 'Choose file' })
    await isAsked.or(page.getByText('1 upload done')).waitFor()
    if (await isAsked.isVisible())
      await page.getByLabel('The file of large.bin').setInputFiles(join(directory, 'large.bin'))
    await page.getByText('1 upload done').waitFor()
    expect(again).toHaveLength(2)
    expect(digest(await read('lent/large.bin'))).toBe(digest(large))
    expectNoFaults(page)
  })

  it('go in parts, pause, and go on after the page was closed with what is there already', async () => {
    const page = await house.open(`/ui/buckets/${bucket}/objects/big/`)
    let sent = 0
    // The first part passes; the others wait for ever, as behind a bad line.
    const holdBack = (route: Route): Promise<void> | undefined => (sent++ === 0 ? route.continue() : undefined)
    await page.route(/partNumber=/, holdBack)
    await page.getByText('Nothing is under this prefix').waitFor()
    await page.getByLabel('Files to upload').setInputFiles(join(directory, 'large.bin'))
    await page.getByText('1 of 3 parts stored, resumes after a reload').waitFor()
    await keepPicture(page, 'uploads-in-parts')
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Pause large.bin' }).click()
    await page.getByText('Paused').waitFor()
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
    const [upload] = Uploads
    const parts = await client.send(
      new ListPartsCommand({ Bucket: bucket, Key: 'big/large.bin', UploadId: upload?.UploadId }),
    )
    expect(parts.Parts).toHaveLength(1)

    await page.unroute(/partNumber=/)
    const again: string[] = []
    page.on('request', (request) => {
      if (/partNumber=/.test(request.url())) again.push(request.url())
    })
    await page.reload()
    const chooser = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Choose file' }).click()
    await (await chooser).setFiles(join(directory, 'small.txt'))
    await page.getByText('That is another file').waitFor()
    await page.getByLabel('The file of large.bin').setInputFiles(join(directory, 'large.bin'))
    await page.getByText('1 upload done').waitFor()
    expect(again).toHaveLength(2)
    expect(digest(await read('big/large.bin'))).toBe(digest(large))
    const command = new HeadObjectCommand({ Bucket: bucket, Key: 'big/large.bin', ChecksumMode: 'ENABLED' })
    const { ChecksumCRC32, ChecksumType, ETag } = await client.send(command)
    expect(ChecksumType).toBe('FULL_OBJECT')
    expect(ETag).toMatch(/-3"$/)
    await page.getByText(`CRC32 ${ChecksumCRC32}`).waitFor()
    await keepPicture(page, 'uploads-done')
    expect(await page.evaluate('localStorage.getItem("coffer-uploads")')).toBeNull()
    expectNoFaults(page)
  })

  it('go on after a reload by the handle alone that the browser keeps, with no file chosen again', async () => {
    const page = await house.open(`/ui/buckets/${bucket}/objects/handle/`)
    await page.getByText('Nothing is under this prefix').waitFor()
    let sent = 0
    await page.route(/partNumber=/, (route) => (sent++ === 0 ? route.continue() : undefined))
    // A handle of the browser's own file system is one that it asks nobody about.
    await page.evaluate(`(async () => {
      const home = await navigator.storage.getDirectory()
      const handle = await home.getFileHandle('lent.bin', { create: true })
      const writer = await handle.createWritable()
      await writer.write(new Uint8Array(${18 * MIB}).map((_, at) => at % 251))
      await writer.close()
      DataTransferItem.prototype.getAsFileSystemHandle = async () => handle
      const file = await handle.getFile()
      for (const type of ['dragenter', 'drop']) {
        const transfer = new DataTransfer()
        transfer.items.add(file)
        document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }))
      }
    })()`)
    await page.getByText('1 of 3 parts stored, resumes after a reload').waitFor()
    await page.getByRole('button', { name: 'Pause lent.bin' }).click()
    await page.unroute(/partNumber=/)
    await page.reload()
    const again: string[] = []
    page.on('request', (request) => {
      if (/partNumber=/.test(request.url())) again.push(request.url())
    })
    await page.getByRole('button', { name: 'Resume lent.bin' }).click()
    await page.getByText('1 upload done').waitFor()
    expect(again).toHaveLength(2)
    expect(digest(await read('handle/lent.bin'))).toBe(digest(new Uint8Array(18 * MIB).map((_, at) => at % 251)))
    expectNoFaults(page)
  })

  it('are left alone by other tabs, and taken up by one of them when theirs was closed', async () => {
    const page = await house.open(`/ui/buckets/${bucket}/objects/tabs/`)
    await page.getByText('Nothing is under this prefix').waitFor()
    let sent = 0
    await page.route(/partNumber=/, (route) => (sent++ === 0 ? route.continue() : undefined))
    await page.getByLabel('Files to upload').setInputFiles(join(directory, 'large.bin'))
    await page.getByText('1 of 3 parts stored, resumes after a reload').waitFor()

    const other = await page.context().newPage()
    await other.addInitScript(`
      new MutationObserver(() => { if (document.querySelector('.tray')) window.sawTray = true })
        .observe(document, { childList: true, subtree: true })`)
    const asked = page.evaluate(`new Promise((resolve) => {
      new BroadcastChannel('coffer-uploads').addEventListener('message', ({ data }) => data.type === 'who-has' && resolve())
    })`)
    await other.goto(`${house.url}/ui/buckets/${bucket}/objects/tabs/`)
    await asked
    await page.getByRole('button', { name: 'Pause large.bin' }).focus()
    await page.keyboard.press('Enter')
    await page.getByText('Paused').waitFor()
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Resume large.bin')
    expect(await other.evaluate('window.sawTray')).toBeUndefined()

    await page.goto('about:blank')
    await other.getByText('Choose the same file again to go on').waitFor()
    // The part of 8 or that of 2 out of 18 MiB.
    await other.getByText(/^(44|11) %$/).waitFor()
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: 'tabs/' }))
    expect(Uploads).toHaveLength(1)
    await other.getByLabel('The file of large.bin').setInputFiles(join(directory, 'large.bin'))
    await other.getByText('1 upload done').waitFor()
    expect(digest(await read('tabs/large.bin'))).toBe(digest(large))
    expectNoFaults(page)
  })

  it('go on by themselves when a connection that was lost is back', async () => {
    const page = await house.open(`/ui/buckets/${bucket}/objects/line/`)
    await page.getByText('Nothing is under this prefix').waitFor()
    let sent = 0
    await page.route(/partNumber=/, (route) => (sent++ === 0 ? route.continue() : route.abort('connectionreset')))
    await page.getByLabel('Files to upload').setInputFiles(join(directory, 'large.bin'))
    await page.getByText('The connection was lost; it goes on when it is back').waitFor()
    await page.unroute(/partNumber=/)
    await page.getByText('1 upload done').waitFor()
    expect(digest(await read('line/large.bin'))).toBe(digest(large))
  })

  it('leave nothing in the browser of whoever signs out, and show nobody what is another’s', async () => {
    const page = await house.open(`/ui/buckets/${bucket}/objects/secret/`)
    await page.getByText('Nothing is under this prefix').waitFor()
    await page.route(/partNumber=/, () => undefined)
    const others = { id: 'x', owner: 'other/person', bucket, key: 'theirs.bin', uploadId: 'u', partBytes: 1 }
    const file = { fileName: 'theirs.bin', sizeBytes: 1, lastModified: 1 }
    await page.evaluate(`localStorage.setItem('coffer-uploads', '${JSON.stringify([{ ...others, ...file }])}')`)
    await dropFiles(page, [join(directory, 'large.bin')])
    await page.getByText(/resumes after a reload/).waitFor()
    const kept = () => page.evaluate(`localStorage.getItem('coffer-uploads')`)
    expect(await kept()).toContain('secret/large.bin')
    await page.reload()
    await page.getByRole('button', { name: 'Cancel large.bin' }).waitFor()
    expect(await page.getByText('theirs.bin').count()).toBe(0)
    await page.getByRole('button', { name: /signed in as Main user/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await kept()).not.toContain('large.bin')
    expect(await kept()).toContain('theirs.bin')
    const handles = `new Promise((resolve) => {
      const request = indexedDB.open('coffer-uploads', 1)
      request.onsuccess = () => {
        const count = request.result.transaction('handles').objectStore('handles').count()
        count.onsuccess = () => { request.result.close(); resolve(count.result) }
      }
    })`
    await expect.poll(() => page.evaluate(handles)).toBe(0)
    expect(await page.getByText('large.bin').count()).toBe(0)
    expectNoFaults(page)
  })

  it('are shared by a link that anybody can read with, for a while', async () => {
    const page = await house.open(`/ui/buckets/${bucket}/objects/in/?sel=small.txt`)
    await page.getByRole('button', { name: 'Share link' }).click()
    await page.getByRole('dialog').getByLabel('It works for').selectOption('900')
    await page.getByRole('button', { name: 'Create link' }).click()
    const link = await page.locator('.shared-link').textContent()
    const reply = await fetch(link ?? '')
    expect(await reply.text()).toBe('small')
    expect(new URL(link ?? '').searchParams.get('X-Amz-Expires')).toBe('900')
    await keepPicture(page, 'share')
    await expectAccessible(page)
    expectNoFaults(page)
  })
})
