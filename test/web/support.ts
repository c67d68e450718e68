import { accessSync, constants } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { signInAt } from '../support/console-client.ts'
import { startHouse, type TestHouse, type TestHouseOptions } from '../support/house.ts'
import { problemOfHint } from './hints.ts'

const ARTIFACTS = path.join(import.meta.dirname, '.artifacts')

/** Of `COFFER_CHROMIUM`, or found on the path. */
export const chromiumPath: string | undefined = findChromium()
if (chromiumPath === undefined)
  console.log('browser tests are skipped: there is no chromium on the path, nor COFFER_CHROMIUM')

function findChromium(): string | undefined {
  const given = process.env['COFFER_CHROMIUM']
  const folders = (process.env['PATH'] ?? '').split(path.delimiter)
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'chrome']
  return [...(given ? [given] : []), ...folders.flatMap((folder) => names.map((name) => path.join(folder, name)))].find(
    isExecutable,
  )
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A server with its console, and a browser at it: one for each file of tests. */
export interface WebHouse extends AsyncDisposable {
  readonly test: TestHouse
  /** `http://127.0.0.1:…` of the console. */
  readonly url: string
  /** A page of a browser of its own, signed in with the main account's access key. */
  readonly open: (where?: string, options?: OpenOptions) => Promise<Page>
  /** The same, where nobody is signed in. */
  readonly openSignedOut: (where?: string, options?: OpenOptions) => Promise<Page>
}

export interface OpenOptions {
  readonly width?: number
  readonly height?: number
  readonly theme?: Theme
  readonly credentials?: object
}

export type Theme = 'light' | 'dark'

/** What a page asks for and waits for is there by then, also on a machine that others load. */
const PATIENCE_MS = 30_000

export async function startWebHouse(options: TestHouseOptions = {}): Promise<WebHouse> {
  const test = await startHouse(options)
  const browser: Browser = await chromium.launch({
    executablePath: chromiumPath ?? '',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
  const url = test.objectsControlUrl
  const contexts: BrowserContext[] = []
  const openSignedOut = async (where = '/ui/', opening: OpenOptions = {}): Promise<Page> => {
    const { width = 1440, height = 900, theme = 'light' } = opening
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: theme,
      reducedMotion: 'reduce',
      acceptDownloads: true,
    })
    contexts.push(context)
    context.setDefaultTimeout(PATIENCE_MS)
    if (opening.credentials) {
      const { cookie } = await signInAt(url, opening.credentials)
      const [name = '', value = ''] = cookie.split('=')
      // At the path where the console has it: a sign-in on the page takes its place.
      const { hostname: domain } = new URL(url)
      await context.addCookies([{ name, value, domain, path: '/ui', httpOnly: true, sameSite: 'Strict' }])
    }
    const page = await context.newPage()
    watch(page)
    await page.goto(url + where)
    return page
  }
  return {
    test,
    url,
    openSignedOut,
    open: (where, opening) => {
      const { accessKeyId, secretAccessKey } = mainAccount.user
      return openSignedOut(where, { credentials: { accessKeyId, secretAccessKey }, ...opening })
    },
    [Symbol.asyncDispose]: async () => {
      for (const context of contexts) await context.close()
      await browser.close()
      await test[Symbol.asyncDispose]()
    },
  }
}

const faults = new WeakMap<Page, string[]>()

/** What the browser complains of: a policy that was broken, an error that nobody caught. */
function watch(page: Page): void {
  const found: string[] = []
  faults.set(page, found)
  page.on('pageerror', (error) => found.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy|Refused to/.test(message.text()))
      found.push(message.text())
  })
}

export const expectNoFaults = (page: Page): void => expect(faults.get(page)).toEqual([])

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What a page says does the same is a command that there is, with arguments and options that it takes. */
export async function expectGoodHints(page: Page): Promise<readonly string[]> {
  const lines = await page.locator('.cli-line').allTextContents()
  const hints = lines.map((line) => line.replace(/^\$ /, ''))
  const problems = await Promise.all(hints.map(problemOfHint))
  expect(problems.filter((problem) => problem !== undefined)).toEqual([])
  return hints
}

/** What axe finds in a part of the page: violations of WCAG 2.1 A and AA, and of what it has found to be good practice. */
export async function violationsIn(page: Page, part = 'document'): Promise<unknown> {
  // Handed over by the debugger, which the policy of the page does not bind.
  if (!(await page.evaluate('typeof axe !== "undefined"'))) await page.evaluate(axeSource)
  return page.evaluate(`axe.run(${part}, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] })
    .then(({ violations }) => violations.map(({ id, help, nodes }) => id + ': ' + help + ' ' + nodes.map(({ html, failureSummary }) => html.slice(0, 200) + ' ' + failureSummary).slice(0, 4).join(' | ')))`)
}

export async function expectAccessible(page: Page): Promise<void> {
  expect(await violationsIn(page)).toEqual([])
  await expectGoodHints(page)
}

/** Kept in `test/web/.artifacts`, to be looked at. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  await mkdir(ARTIFACTS, { recursive: true })
  await page.screenshot({ path: path.join(ARTIFACTS, `${name}.png`) })
  await expectGoodHints(page)
}

/** In both themes, and where there is little room: pictures, accessible, nothing beyond the edges. */
export async function expectWellMade(
  house: Pick<WebHouse, 'open' | 'openSignedOut'>,
  where: string,
  name: string,
  ready: (page: Page) => Promise<unknown>,
  { isSignedOut = false } = {},
): Promise<void> {
  const page = await (isSignedOut ? house.openSignedOut : house.open)(where)
  await ready(page)
  for (const [variant, theme, width] of [
    ['light', 'light', 1440],
    ['dark', 'dark', 1440],
    ['narrow', 'light', 480],
    ['wide', 'light', 2560],
  ] as const) {
    await page.setViewportSize({ width, height: 900 })
    await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`)
    await keepPicture(page, `${name}-${variant}`)
    await expectAccessible(page)
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    expect(overflow).toBeLessThanOrEqual(0)
  }
  expectNoFaults(page)
  await page.context().close()
}
