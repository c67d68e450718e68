import { type ApiError, toApiError } from '../../../client/api-error.ts'
import { type ListedPage, type Place, readAgain, readPage } from './listed-pages.ts'

export interface ListState {
  readonly pages: readonly ListedPage[]
  readonly isLoading: boolean
  /** Nothing has come for 200 ms. */
  readonly isSlow: boolean
  readonly error: ApiError | undefined
}

/** The pages of a list that were read. */
export interface List {
  readonly begin: () => void
  readonly stop: () => void
  readonly loadMore: () => void
  /** Something may be another: what is seen is read anew now, the rest once it is seen. */
  readonly reload: () => void
  readonly see: (from: number, to: number) => void
}

export const EMPTY_LIST: ListState = { pages: [], isLoading: true, isSlow: false, error: undefined }

const SLOW_MS = 200
/** Before somebody has said what they see. */
const AT_FIRST = { from: 0, to: 1 }

export function openList(place: Place, show: (state: ListState) => void): List {
  let state = EMPTY_LIST
  const ended = new AbortController()
  const { signal } = ended
  let seen = AT_FIRST
  let [isAdding, isRefreshing] = [false, false]
  /** How often it was said that something may be another, and what each page was read after. */
  let changes = 0
  const readAfter = new WeakMap<ListedPage, number>()

  const set = (part: Partial<ListState>): void => {
    if (signal.aborted) return
    state = { ...state, ...part }
    show(state)
  }
  const fail = (error: unknown): void => set({ error: toApiError(error) })

  const add = async (): Promise<void> => {
    if (isAdding) return
    isAdding = true
    set({ isLoading: true })
    const slow = setTimeout(() => set({ isSlow: state.pages.length === 0 }), SLOW_MS)
    const now = changes
    try {
      const page = await readPage(place, state.pages.at(-1)?.next, signal)
      readAfter.set(page, now)
      set({ pages: [...state.pages, page], error: undefined })
    } catch (error) {
      fail(error)
    } finally {
      clearTimeout(slow)
      isAdding = false
      set({ isLoading: false, isSlow: false })
    }
  }

  /** The first page that is seen and may be another by now. */
  const outdated = (): number => {
    let start = 0
    return state.pages.findIndex((page) => {
      const [from, to] = [start, start + page.rows.length]
      start = to
      return from < seen.to && to >= seen.from && (readAfter.get(page) ?? 0) < changes
    })
  }

  const refresh = async (): Promise<void> => {
    if (isRefreshing) return
    isRefreshing = true
    try {
      for (let at = outdated(); at >= 0 && !signal.aborted; at = outdated()) {
        const page = state.pages[at]
        if (!page) break
        const now = changes
        const fresh = await readAgain(place, page, state.pages[at + 1], signal)
        readAfter.set(fresh, now)
        if (fresh !== page || state.error) set({ pages: replaced(state.pages, page, fresh), error: undefined })
      }
    } catch (error) {
      fail(error)
    } finally {
      isRefreshing = false
    }
  }

  return {
    begin: () => {
      show(state)
      void add()
    },
    stop: () => ended.abort(),
    loadMore: () => {
      if (state.pages.at(-1)?.next !== undefined && !state.error) void add()
    },
    reload: () => {
      changes++
      void (state.pages.length === 0 ? add() : refresh())
    },
    see: (from, to) => {
      seen = { from, to }
      void refresh()
    },
  }
}

function replaced(pages: readonly ListedPage[], page: ListedPage, fresh: ListedPage): readonly ListedPage[] {
  const at = pages.indexOf(page)
  if (fresh === page || at < 0) return pages
  const [before, behind] = [at > 0 ? pages[at - 1] : undefined, pages[at + 1]]
  if (fresh.rows.length > 0 || !(before || behind)) return pages.with(at, fresh)
  // One without rows goes, and its neighbour takes its place in the list: nobody would see it, and look at it again.
  if (behind) return [...pages.slice(0, at), { ...behind, from: fresh.from }, ...pages.slice(at + 2)]
  return before ? [...pages.slice(0, at - 1), { ...before, next: fresh.next }] : pages
}
