import { listObjects, listVersions, type VersionsPage } from '../../../client/s3.ts'
import { inBytes } from './in-bytes.ts'
import { folderRow, keyOfRow, objectRow, type Row, versionRow } from './rows.ts'

export type ListingMode = 'objects' | 'versions'

export interface Place {
  readonly bucket: string
  readonly prefix: string
  readonly mode: ListingMode
}

/** Where the server goes on. */
export type Marker = string | NonNullable<VersionsPage['next']>

/** What lies between two places of a list. */
export interface ListedPage {
  /** Undefined: from the beginning. */
  readonly from: Marker | undefined
  /** Undefined: there is nothing behind it. */
  readonly next: Marker | undefined
  readonly rows: readonly Row[]
  /** The greatest name, in the server's order. */
  readonly last: string
}

const PAGE_KEYS = 1000

export async function readPage(place: Place, from: Marker | undefined, signal: AbortSignal): Promise<ListedPage> {
  const { bucket, prefix, mode } = place
  const common = { bucket, prefix, maxKeys: PAGE_KEYS, signal }
  if (mode === 'objects') {
    const page = await listObjects({ ...common, ...(typeof from === 'string' ? { continuationToken: from } : {}) })
    return pageOf(from, page.next, prefix, page.prefixes, page.objects, (one) => objectRow(one, prefix))
  }
  const page = await listVersions({ ...common, ...(typeof from === 'object' ? { after: from } : {}) })
  return pageOf(from, page.next, prefix, page.prefixes, page.versions, (one) => versionRow(one, prefix))
}

function pageOf<Entry extends { readonly key: string }>(
  from: Marker | undefined,
  next: Marker | undefined,
  prefix: string,
  folders: readonly string[],
  entries: readonly Entry[],
  rowOf: (entry: Entry) => Row,
): ListedPage {
  const last = [folders.at(-1) ?? '', entries.at(-1)?.key ?? ''].toSorted(inBytes)[1] ?? ''
  const within = entries.filter(({ key }) => key !== prefix)
  return { from, next, last, rows: [...folders.map((one) => folderRow(one, prefix)), ...within.map(rowOf)] }
}

/**
 * What lies there now, from the place where the page begins to the one where it ended: so the other pages may stay as they are.
 * `following`: the page behind it that was read, too. The same page when nothing was changed.
 */
export async function readAgain(
  place: Place,
  page: ListedPage,
  following: ListedPage | undefined,
  signal: AbortSignal,
): Promise<ListedPage> {
  let read = await readPage(place, page.from, signal)
  if (!following) return sameOr(page, read)
  const elsewhere = new Set(following.rows.map(({ id }) => id))
  const rows: Row[] = []
  for (;;) {
    rows.push(...read.rows.filter((row) => inBytes(keyOfRow(row), page.last) <= 0 && !elsewhere.has(row.id)))
    if (read.next === undefined || inBytes(read.last, page.last) >= 0) break
    read = await readPage(place, read.next, signal)
  }
  return sameOr(page, { ...page, rows })
}

const sameOr = (before: ListedPage, now: ListedPage): ListedPage =>
  JSON.stringify(before) === JSON.stringify(now) ? before : now
