import type { Page, Request } from 'playwright-core'
import { expect } from 'vitest'
import { violationsIn } from './support.ts'

/** Names what is open, and presses what may open more. Runs in the page. */
const SCRIPT = `(() => {
  const nameOf = (element) =>
    (element.getAttribute('aria-label') ??
      document.getElementById(element.getAttribute('aria-labelledby'))?.textContent ??
      element.labels?.[0]?.querySelector('b')?.textContent ??
      element.labels?.[0]?.textContent ??
      element.textContent)
      .replace(/\\s+/g, ' ').trim().slice(0, 60)
  const all = (selector, root = document) => [...root.querySelectorAll(selector)].filter((one) => one.checkVisibility())
  const dialog = () => all('dialog[open]').at(-1)
  const scope = () => all('.menu-panel').at(-1) ?? dialog() ?? document.body
  const title = (one) => one.getAttribute('aria-label') ?? one.querySelector('h2')?.textContent ?? ''
  const place = () => (dialog() ? ' in ' + title(dialog()) : '')
  const named = (kind, selector, name = nameOf) => all(selector, dialog()).map((one) => [kind + ' ' + name(one), one])
  const rowOf = (one) => one.closest('tbody tr, .api-operation')
  const ROW_NAME = 'of a row'

  const layers = () => [
    ...all('dialog[open]').map((one) => ['dialog ' + title(one), one]),
    ...named('menu', '.menu-panel [role=menu]', (one) => (rowOf(one) ? ROW_NAME + ' of ' + location.pathname : nameOf(one))),
    ...named('section', 'details[open]', (one) =>
      rowOf(one) ? ROW_NAME + ', ' + nameOf(one.querySelector('.chip')) : nameOf(one.querySelector('summary'))),
    ...named('section', '[aria-expanded=true]:not([role=combobox], [aria-haspopup])'),
    ...named('list', '.listbox-button[aria-expanded=true]', (one) => nameOf(one.parentElement.querySelector('.label'))),
    ...named('choice', '[role=tab][aria-selected=true], [aria-pressed=true], [role=switch][aria-checked=true], input:checked', (one) =>
      (rowOf(one) ? ROW_NAME : nameOf(one)) + place()),
    ...named('alert', '[role=alert]', () => place().slice(4) || location.pathname),
  ]
  const LEFT = /^(Close|Cancel|Dismiss|Copy|Switch theme|Dark|Light)/
  const openers = () => {
    const found = new Map()
    for (const one of all('button, summary, [role=menuitem], [role=tab], input[type=radio], input[type=checkbox]', scope())) {
      if (one.disabled || one.getAttribute('aria-disabled') === 'true' || one.closest('.toasts, nav') || LEFT.test(nameOf(one))) continue
      const row = rowOf(one)
      const key = one.tagName + ' ' + (row ? ROW_NAME + ' ' + one.className + (row.querySelector('summary .chip')?.textContent ?? '') : nameOf(one))
      if (!found.has(key)) found.set(key, one)
    }
    return found
  }
  return {
    layers: () => layers().map(([name]) => name),
    openers: () => [...openers().keys()],
    scope: () => (all('.menu-panel').length > 0 ? 'menu' + place() + nameOf(all('.menu-panel [role=menu]').at(-1)) : place()),
    press: (key) => openers().get(key)?.click(),
    isShell: (key) => openers().get(key)?.closest('header.top') != null,
    layer: (name) => layers().find(([one]) => one === name)?.[1].closest('dialog, .menu, main') ?? document,
    fill: () => {
      for (const one of all('input:not([type=radio], [type=checkbox], [type=file], [type=date]), textarea', dialog() ?? document.createElement('p'))) {
        if (one.value !== '' || one.readOnly) continue
        const typed = /^Type (.+) to confirm/.exec(nameOf(one))?.[1]
        one.value = typed ?? (one.type === 'number' ? '1' : /mail/i.test(nameOf(one)) ? 'ada@example.com' : 'something')
        one.dispatchEvent(new Event('input', { bubbles: true }))
      }
    },
  }
})()`

/** Calls that change nothing but what this page shows. */
const HARMLESS = /\/admin\/v1\/(simulate|share)|\/import_token$|\/v1\/apikeys$|\/v2\/resource_keys$/
const DEEPEST = 5

export interface Walked {
  readonly seen: Set<string>
  readonly tried: Set<string>
}

/**
 * Presses whatever can be pressed on a page, and in whatever that opens, and has axe look at each dialog, drawer, menu,
 * list, tab, section and refusal in both themes. Nothing is changed: writes are refused. The answer names what was seen.
 */
export async function walk(page: Page, where: string, { seen, tried }: Walked): Promise<void> {
  const underWay = new Set<Request>()
  page.on('request', (request) => {
    if (request.isNavigationRequest()) underWay.clear()
    // Whoever follows the log waits for what comes.
    else if (request.resourceType() === 'fetch' && !/[?&]wait=/.test(request.url())) underWay.add(request)
  })
  page.on('requestfinished', (request) => underWay.delete(request))
  page.on('requestfailed', (request) => underWay.delete(request))
  await page.route('**/*', (route) => {
    const { method, url } = { method: route.request().method(), url: route.request().url() }
    if (method === 'GET' || method === 'HEAD' || HARMLESS.test(new URL(url).pathname)) return route.continue()
    const body = JSON.stringify({ error: { code: 'Refused', message: 'Nothing is changed here.' } })
    return route.fulfill({ status: 409, contentType: 'application/json', body })
  })
  const settled = async (): Promise<void> => {
    do
      await page.evaluate(
        'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))',
      )
    while (underWay.size > 0)
    await page.locator('.skeleton').first().waitFor({ state: 'detached' })
  }
  const ask = async <Answer>(what: string): Promise<Answer> => (await page.evaluate(`${SCRIPT}.${what}`)) as Answer
  const press = async (key: string): Promise<void> => {
    await ask(`press(${JSON.stringify(key)})`)
    await settled()
  }
  const address = page.url()
  const begin = async (path: readonly string[]): Promise<void> => {
    await page.goto(address)
    await page.locator('h1').first().waitFor()
    await settled()
    for (const key of path) {
      await ask('fill()')
      await press(key)
    }
  }
  const look = async (path: readonly string[]): Promise<boolean> => {
    const fresh = (await ask<readonly string[]>('layers()')).filter((layer) => !seen.has(layer))
    for (const layer of fresh) {
      seen.add(layer)
      for (const theme of ['dark', 'light'] as const) {
        await page.evaluate(`document.documentElement.dataset.theme = '${theme}'`)
        const found = await violationsIn(page, `${SCRIPT}.layer(${JSON.stringify(layer)})`)
        expect.soft(found, `${layer}, ${theme}, at ${where}: ${path.join(' > ')}`).toEqual([])
      }
    }
    return fresh.length > 0
  }
  const explore = async (path: readonly string[]): Promise<void> => {
    if (path.length >= DEEPEST) return
    await ask('fill()')
    await settled()
    const scope = await ask<string>('scope()')
    let state = await stateOf()
    for (const key of await ask<readonly string[]>('openers()')) {
      const isShell = await ask<boolean>(`isShell(${JSON.stringify(key)})`)
      const name = `${isShell || scope !== '' ? scope : new URL(address).pathname} ${key}`
      if (tried.has(name)) continue
      tried.add(name)
      await press(key)
      const now = await stateOf()
      if (now === state) continue
      const isHere = new URL(page.url()).pathname === new URL(address).pathname
      if (isHere && (await look([...path, key]))) await explore([...path, key])
      await begin(path)
      await ask('fill()')
      await settled()
      state = await stateOf()
    }
  }
  const stateOf = async (): Promise<string> => page.url() + JSON.stringify(await ask('layers()'))

  await begin([])
  await look([])
  await explore([])
}
