import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../../../client/api-error.ts'
import { onChange } from '../../../client/changes.ts'
import { listObjects, listVersions, type VersionsPage } from '../../../client/s3.ts'
import { folderRow, objectRow, type Row, versionRow } from './rows.ts'

export type ListingMode = 'objects' | 'versions'

export interface Listing {
  readonly rows: readonly Row[]
  readonly hasMore: boolean
  readonly isLoading: boolean
  /** The first page has not come for 200 ms. */
  readonly isSlow: boolean
  readonly isFresh: boolean
  readonly error: ApiError | undefined
  readonly loadMore: () => void
  readonly reload: () => void
}

interface Page {
  readonly rows: readonly Row[]
  readonly next: Marker | undefined
}

type Marker = string | NonNullable<VersionsPage['next']>

interface State {
  readonly rows: readonly Row[]
  readonly next: Marker | undefined
  readonly isLoading: boolean
  readonly isSlow: boolean
  readonly isFresh: boolean
  readonly error: ApiError | undefined
}

const PAGE_KEYS = 1000
/** Of more rows than these, the rest comes again when somebody scrolls there. */
const MOST_READ_ANEW = 3000
const SLOW_MS = 200
const EMPTY: State = { rows: [], next: undefined, isLoading: true, isSlow: false, isFresh: true, error: undefined }

/** What lies under a prefix, page by page as the server gives it. After a write what was shown is read anew. */
export function useListing(bucket: string, prefix: string, mode: ListingMode): Listing {
  const [state, setState] = useState<State>(EMPTY)
  const running = useRef<AbortController>(undefined)
  const latest = useRef(state)
  latest.current = state

  const read = useCallback(
    async (from: State, wantedRows: number): Promise<void> => {
      running.current?.abort()
      const controller = new AbortController()
      running.current = controller
      const { signal } = controller
      setState((before) => ({ ...before, isLoading: true, error: undefined }))
      const slow = setTimeout(() => setState((before) => ({ ...before, isSlow: before.rows.length === 0 })), SLOW_MS)
      let { rows, next } = from
      try {
        do {
          const page = await readPage(bucket, prefix, mode, next, signal)
          rows = [...rows, ...page.rows]
          next = page.next
        } while (next !== undefined && rows.length < wantedRows)
        if (!signal.aborted) setState({ rows, next, isLoading: false, isSlow: false, isFresh: false, error: undefined })
      } catch (error) {
        if (!signal.aborted)
          setState((before) => ({
            ...before,
            isLoading: false,
            isSlow: false,
            isFresh: false,
            error: toApiError(error),
          }))
      } finally {
        clearTimeout(slow)
      }
    },
    [bucket, prefix, mode],
  )

  useEffect(() => {
    setState(EMPTY)
    void read(EMPTY, 0)
    return () => running.current?.abort()
  }, [read])
  const reload = useCallback(() => void read(EMPTY, Math.min(MOST_READ_ANEW, latest.current.rows.length)), [read])
  useEffect(() => onChange(['objects'], reload), [reload])
  const loadMore = useCallback((): void => {
    const { isLoading, next, error } = latest.current
    if (!isLoading && next !== undefined && !error) void read(latest.current, 0)
  }, [read])
  return { ...state, hasMore: state.next !== undefined, loadMore, reload }
}

async function readPage(
  bucket: string,
  prefix: string,
  mode: ListingMode,
  next: Marker | undefined,
  signal: AbortSignal,
): Promise<Page> {
  const common = { bucket, prefix, maxKeys: PAGE_KEYS, signal }
  if (mode === 'objects') {
    const page = await listObjects({ ...common, ...(typeof next === 'string' ? { continuationToken: next } : {}) })
    const objects = page.objects.filter(({ key }) => key !== prefix)
    return {
      rows: [...page.prefixes.map((one) => folderRow(one, prefix)), ...objects.map((one) => objectRow(one, prefix))],
      next: page.next,
    }
  }
  const page = await listVersions({ ...common, ...(typeof next === 'object' ? { after: next } : {}) })
  const versions = page.versions.filter(({ key }) => key !== prefix)
  return {
    rows: [...page.prefixes.map((one) => folderRow(one, prefix)), ...versions.map((one) => versionRow(one, prefix))],
    next: page.next,
  }
}
