import { useEffect, useMemo, useState } from 'preact/hooks'
import { onChange } from '../../../client/changes.ts'
import type { ListingMode } from './listed-pages.ts'
import { EMPTY_LIST, type List, type ListState, openList } from './open-list.ts'
import type { Row } from './rows.ts'

export interface Listing extends Omit<ListState, 'pages'>, Pick<List, 'loadMore' | 'reload' | 'see'> {
  readonly rows: readonly Row[]
  readonly hasMore: boolean
}

const EVERY_MS = 5000

/**
 * What lies under a prefix, page by page as the server gives it. Of the pages that were read, those that somebody sees are read
 * anew after a write and every 5 s, each in its place, and the others when they are seen again: there may be hundreds.
 */
export function useListing(bucket: string, prefix: string, mode: ListingMode): Listing {
  const [state, show] = useState<ListState>(EMPTY_LIST)
  const list = useMemo(() => openList({ bucket, prefix, mode }, show), [bucket, prefix, mode])
  useEffect(() => {
    list.begin()
    return list.stop
  }, [list])
  useEffect(() => onChange(['objects'], list.reload), [list])
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) list.reload()
    }, EVERY_MS)
    return () => clearInterval(timer)
  }, [list])
  const { pages, ...rest } = state
  const rows = useMemo(() => pages.flatMap((page) => page.rows), [pages])
  const { loadMore, reload, see } = list
  return { ...rest, rows, hasMore: pages.at(-1)?.next !== undefined, loadMore, reload, see }
}
