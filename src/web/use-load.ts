import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type ApiError, toApiError } from './client/api-error.ts'
import { onChange, type Topic } from './client/changes.ts'

export interface Loaded<Value> {
  /** Of the last time that it could be read: it stays while it is read again. */
  readonly value: Value | undefined
  /** Of the last time. */
  readonly error: ApiError | undefined
  readonly isLoading: boolean
  /** There is nothing to show yet and it takes more than 200 ms: time for a skeleton. */
  readonly isSlow: boolean
  readonly reload: () => void
}

export interface LoadOptions {
  /** Read again when one of them was changed here. */
  readonly topics?: readonly Topic[]
  /** Read again that often, while somebody looks. Default: what has topics every 30 s, for others change it, too. */
  readonly everyMs?: number | 'never'
}

const SLOW_MS = 200
const OTHERS_MS = 30_000

/** Reads something when the page opens, when `inputs` change, after writes, and when asked to. */
export function useLoad<Value>(
  read: (signal: AbortSignal) => Promise<Value>,
  inputs: readonly unknown[],
  { topics = [], everyMs = topics.length > 0 ? OTHERS_MS : undefined }: LoadOptions = {},
): Loaded<Value> {
  const [state, setState] = useState<Omit<Loaded<Value>, 'reload'>>(NOTHING)
  const current = useRef<AbortController>(undefined)
  const isReading = useRef(false)
  const reading = useRef(read)
  reading.current = read

  const reload = useCallback((): void => {
    current.current?.abort()
    const controller = new AbortController()
    current.current = controller
    isReading.current = true
    const slow = setTimeout(() => setState((before) => ({ ...before, isSlow: before.value === undefined })), SLOW_MS)
    setState((before) => ({ ...before, isLoading: true }))
    const settle = (outcome: Pick<Loaded<Value>, 'error'> | Pick<Loaded<Value>, 'error' | 'value'>): void => {
      clearTimeout(slow)
      if (current.current === controller) isReading.current = false
      if (!controller.signal.aborted) setState((before) => ({ ...before, isLoading: false, isSlow: false, ...outcome }))
    }
    reading.current(controller.signal).then(
      (value) => settle({ value, error: undefined }),
      (error: unknown) => settle({ error: toApiError(error) }),
    )
  }, [])

  const name = JSON.stringify(inputs)
  useEffect(() => {
    setState(NOTHING)
    reload()
    return () => current.current?.abort()
  }, [name, reload])
  useEffect(() => onChange(topics, reload), [topics.join(), reload])
  useEffect(() => {
    if (everyMs === undefined || everyMs === 'never') return undefined
    const look = (): void => {
      // What takes longer than this is not begun again and again.
      if (!document.hidden && !isReading.current) reload()
    }
    const timer = setInterval(look, everyMs)
    document.addEventListener('visibilitychange', look)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [everyMs, reload])
  return { ...state, reload }
}

const NOTHING = { value: undefined, error: undefined, isLoading: true, isSlow: false } as const
