import { S3Error } from './error-codes.ts'

export interface ProgressRule {
  readonly everyMs: number
  /** How often in a row the client may be found waited for, without having sent `minBytes` since the first time. */
  readonly times: number
  readonly minBytes: number
}

/** Less than 1 KiB in a minute of waiting. One byte now and then would hold its connection for ever. */
const RULE: ProgressRule = { everyMs: 10_000, times: 6, minBytes: 1024 }

/** Passes a body on; throws RequestTimeout when it stops coming. Time in which nobody asks for more is not the client's. */
export async function* progressing(body: AsyncIterable<Buffer>, rule = RULE): AsyncGenerator<Buffer> {
  const iterator = body[Symbol.asyncIterator]()
  let waiting: PromiseWithResolvers<IteratorResult<Buffer>> | undefined
  let receivedBytes = 0
  let foundWaiting = 0
  const look = (): void => {
    if (receivedBytes >= rule.minBytes) foundWaiting = 0
    if (foundWaiting === 0) receivedBytes = 0
    if (waiting && ++foundWaiting > rule.times) waiting.reject(new S3Error('RequestTimeout'))
  }
  const timer = setInterval(look, rule.everyMs)
  try {
    for (;;) {
      waiting = Promise.withResolvers()
      iterator.next().then(waiting.resolve, waiting.reject)
      const step = await waiting.promise
      waiting = undefined
      if (step.done) return
      receivedBytes += step.value.length
      yield step.value
    }
  } finally {
    clearInterval(timer)
    // Not waited for: a source that is still asked for its next chunk may never answer.
    iterator.return?.().catch(() => {})
  }
}
