import type { ComponentType } from 'preact'
import { useEffect, useLayoutEffect, useState } from 'preact/hooks'
import { type ApiError, toApiError } from '../client/api-error.ts'
import { connection } from '../client/connection.ts'
import { reach } from '../client/http.ts'
import { useStore } from '../client/store.ts'
import type { PageDefinition, PageProps } from '../pages/page.ts'
import { ErrorState } from '../parts/error-state.tsx'
import { startAtHeading } from '../parts/page-focus.ts'
import { Skeleton } from '../parts/skeleton.tsx'
import type { Params } from '../router.ts'

const SLOW_MS = 200
let isFirst = true

/** Somebody was elsewhere in the console before its first page, at the sign-in. */
export const wasElsewhere = (): void => {
  isFirst = false
}

/** A page whose code comes when it is first opened. Reading goes on at its heading. */
export function LazyPage({ page, params }: { readonly page: PageDefinition; readonly params: Params }) {
  const [Page, setPage] = useState<ComponentType<PageProps>>()
  const [error, setError] = useState<ApiError>()
  const [isSlow, setSlow] = useState(false)
  const { isReachable } = useStore(connection)
  useEffect(() => {
    const slow = setTimeout(() => setSlow(true), SLOW_MS)
    page
      .load()
      .then(({ Page: loaded }) => {
        setPage(() => loaded)
        setError(undefined)
      })
      .catch((cause: unknown) => {
        setError(toApiError(cause))
        // Whether the server is there at all is told over the page, and asked until it is.
        void reach()
      })
      .finally(() => clearTimeout(slow))
    return () => clearTimeout(slow)
  }, [page, isReachable])
  // At once: whoever has gone on with Tab after the page was drawn would be taken back.
  useLayoutEffect(() => {
    if (!Page) return
    // Not on the page that was asked for by its address: the reader begins at its top.
    if (!isFirst) {
      window.scrollTo(0, 0)
      startAtHeading()
    }
    isFirst = false
  }, [Page])
  if (error) {
    const retry = () => window.location.reload()
    return <ErrorState title="This page could not be loaded." error={error} onRetry={retry} />
  }
  if (Page) return <Page params={params} />
  return isSlow ? <Skeleton rows={6} /> : null
}
