import { S3Error } from './error-codes.ts'

export interface ProgressRule {
  readonly everyMs: number
  /** How often in a row the client may be found waited for, without having sent `minBytes` since the first time. */
  readonly times: number
  readonly minBytes: number
}

/** Less than 1 KiB in a minute of waiting. One byte now and then would hold its connection for ever. */
const RULE: ProgressRule = { everyMs: 10_000, times: 6, minBytes: 1024 }

/**
 * Passes a body on, once; throws RequestTimeout when it stops coming. Time in which nobody asks for more is not the
 * client's. `ended` is called at its end. By hand, as `inspected` is: small bodies feel each generator.
 */
export function progressing(
  body: AsyncIterable<Buffer>,
  rule = RULE,
  ended: () => void = () => {},
): AsyncIterableIterator<Buffer> {
  let source: AsyncIterator<Buffer> | undefined
  let timer: NodeJS.Timeout | undefined
  let over = false
  let giveUp: ((reason: unknown) => void) | undefined
  let receivedBytes = 0
  let foundWaiting = 0
  const look = (): void => {
    if (receivedBytes >= rule.minBytes) foundWaiting = 0
    if (foundWaiting === 0) receivedBytes = 0
    if (!giveUp || ++foundWaiting <= rule.times) return
    giveUp(new S3Error('RequestTimeout'))
    leave()
  }
  const stop = (): void => {
    over = true
    giveUp = undefined
    clearInterval(timer)
  }
  const leave = (): void => {
    stop()
    // Not waited for: a source that is still asked for its next chunk may never answer.
    source?.return?.().catch(() => {})
  }
  const came = (step: IteratorResult<Buffer>): IteratorResult<Buffer> => {
    giveUp = undefined
    if (!step.done) receivedBytes += step.value.length
    else if (!over) {
      stop()
      ended()
    }
    return step
  }
  const passed: AsyncIterableIterator<Buffer> = {
    next: () => {
      if (over) return Promise.resolve({ done: true, value: undefined })
      source ??= body[Symbol.asyncIterator]()
      timer ??= setInterval(look, rule.everyMs)
      const asked = source.next()
      return new Promise((resolve, reject) => {
        giveUp = reject
        asked.then(
          (step) => resolve(came(step)),
          (error) => {
            stop()
            reject(error)
          },
        )
      })
    },
    return: async () => {
      leave()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]: () => passed,
  }
  return passed
}
