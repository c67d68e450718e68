/** What S3 says a listing is, without any store: what the server's pages are compared with. */
export interface ModelQuery {
  readonly prefix: string
  /** '' for none. */
  readonly delimiter: string
}

/** Keys and common prefixes as one list, in the order that pages must follow. */
export function modelListing(keys: readonly string[], { prefix, delimiter }: ModelQuery): string[] {
  const names = keys
    .filter((key) => key.startsWith(prefix))
    .map((key) => {
      const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
      return at < 0 ? key : key.slice(0, at + delimiter.length)
    })
  return [...new Set(names)].sort(byUtf8)
}

export const byUtf8 = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Pieces that make keys, prefixes and delimiters collide: nested, doubled and multi-byte ones. */
export const PIECES = ['a', 'b', '/', '//', '-', 'é', '\uff5e', '\u{1f600}', '%', '+', ' ', '&', 'z']

export const DELIMITERS = ['', '/', '//', 'a', 'a/', '-', 'é', '\u{1f600}', '\uff5e', 'zz', ' ']

/** Keys that follow from nothing but this function. */
export function modelKeys(count: number): string[] {
  const keys = new Set<string>()
  let state = 1
  const next = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
  while (keys.size < count) {
    let key = ''
    for (let pieces = 1 + next(5); pieces > 0; pieces--) key += PIECES[next(PIECES.length)] ?? ''
    // A path of dots and slashes only is the client's problem, not the listing's.
    if (!key.startsWith('/')) keys.add(key)
  }
  return [...keys]
}
