import { createStore, useStore } from './client/store.ts'

export const ROOT = '/ui'

export interface Place {
  /** Under `/ui`, percent-encoded as it is in the address bar: `/buckets/a/objects/`. */
  readonly path: string
  readonly query: URLSearchParams
}

const here = (): Place => ({
  path: window.location.pathname.slice(ROOT.length) || '/',
  query: new URLSearchParams(window.location.search),
})

export const place = createStore<Place>(here())
export const usePlace = (): Place => useStore(place)

/**
 * The address of a page, for an `<a href>`. Each segment is encoded; a last segment given as `{ rest }` keeps its slashes
 * (the prefix of a listing), unless a browser would take some of it for steps of a path.
 */
export function href(
  segments: readonly (string | { readonly rest: string })[],
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const path = segments.map(
    (segment) => `/${typeof segment === 'string' ? encodeURIComponent(segment) : encodeRest(segment.rest)}`,
  )
  const given = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  const text = given.toString()
  return `${ROOT}${path.join('') || '/'}${text === '' ? '' : `?${text}`}`
}

const encodeRest = (text: string): string =>
  /(^|\/)\.{1,2}(\/|$)/.test(text) ? encodeURIComponent(text) : text.split('/').map(encodeURIComponent).join('/')

export interface NavigateOptions {
  readonly replace?: boolean
}

/** `to`: what `href` gave. */
export function navigate(to: string, { replace = false }: NavigateOptions = {}): void {
  if (replace) window.history.replaceState(null, '', to)
  else window.history.pushState(null, '', to)
  place.set(here())
}

/** The same page with other parameters; undefined takes one away. */
export function setQuery(
  changes: Readonly<Record<string, string | undefined>>,
  options: NavigateOptions = { replace: true },
): void {
  const { query } = here()
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) query.delete(name)
    else query.set(name, value)
  }
  const text = query.toString()
  navigate(`${window.location.pathname}${text === '' ? '' : `?${text}`}`, options)
}

/** Every link of the console is a real one; a plain click on it stays in the page. */
export function startRouter(): void {
  window.addEventListener('popstate', () => place.set(here()))
  document.addEventListener('click', (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (link?.target !== '' || link.hasAttribute('download') || link.hasAttribute('data-plain')) return
    const to = new URL(link.href, window.location.href)
    if (to.origin !== window.location.origin || !to.pathname.startsWith(`${ROOT}/`)) return
    if (to.hash !== '' && to.pathname === window.location.pathname) return
    event.preventDefault()
    navigate(to.pathname + to.search)
  })
}

export type Params = Readonly<Record<string, string>>

/**
 * `/buckets/:bucket/objects/*prefix` against a path: the parameters, decoded once; undefined when it does not match. `*`
 * takes the rest, which may be empty.
 */
export function matchPath(pattern: string, path: string): Params | undefined {
  const wanted = pattern.split('/').slice(1)
  const given = path.split('/').slice(1)
  const params: Record<string, string> = {}
  for (const [index, name] of wanted.entries()) {
    if (name.startsWith('*')) {
      params[name.slice(1)] = given.slice(index).map(decodePart).join('/')
      return params
    }
    const segment = given[index]
    if (segment === undefined) return undefined
    if (name.startsWith(':')) {
      if (segment === '') return undefined
      params[name.slice(1)] = decodePart(segment)
    } else if (name !== segment) return undefined
  }
  const isEnd = given.length === wanted.length || (given.length === wanted.length + 1 && given.at(-1) === '')
  return isEnd ? params : undefined
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
