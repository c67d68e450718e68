import { failure } from './failure.ts'

export interface CircuitState {
  readonly open: boolean
  readonly sinceMs: number
  /** What went wrong last. */
  readonly reason: string
}

/**
 * Knows whether a service answers. After some failures in a row it opens: calls fail at once instead of waiting for
 * what will not come, and a probe asks until the service answers again.
 */
export interface Circuit extends Disposable {
  /** Throws KeyProviderUnavailable while it is open. */
  readonly assertClosed: () => void
  readonly succeeded: () => void
  readonly failed: (error: unknown) => void
  readonly state: () => CircuitState
}

export interface CircuitOptions {
  readonly now: () => number
  /** Resolves when the service answers, whatever it answers. */
  readonly probe: () => Promise<void>
  readonly onChange: (state: CircuitState) => void
  /** Failures in a row that open it. */
  readonly threshold?: number
  readonly probeEveryMs?: number
}

export function createCircuit(options: CircuitOptions): Circuit {
  const { now, probe, onChange, threshold = 5, probeEveryMs = 1000 } = options
  let failures = 0
  let state: CircuitState = { open: false, sinceMs: now(), reason: '' }
  let timer: NodeJS.Timeout | undefined
  let disposed = false

  const change = (open: boolean, reason: string): void => {
    state = { open, sinceMs: now(), reason }
    onChange(state)
  }
  const probing = (): void => {
    if (disposed) return
    timer = setTimeout(() => probe().then(succeeded, probing), probeEveryMs).unref()
  }
  const succeeded = (): void => {
    failures = 0
    if (!state.open || disposed) return
    clearTimeout(timer)
    change(false, '')
  }
  return {
    assertClosed: () => {
      if (state.open) throw failure('KeyProviderUnavailable', new Error(state.reason), { retryAfterMs: probeEveryMs })
    },
    succeeded,
    failed: (error) => {
      failures++
      if (state.open || disposed || failures < threshold) return
      change(true, error instanceof Error ? error.message : String(error))
      probing()
    },
    state: () => state,
    [Symbol.dispose]: () => {
      disposed = true
      clearTimeout(timer)
    },
  }
}
