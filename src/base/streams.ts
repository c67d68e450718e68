import type { Readable } from 'node:stream'
import { CodedError } from './errors.ts'

/** StreamAborted: the other side went away before the end. StreamTooLong: more bytes than the caller allowed. */
export type StreamErrorCode = 'StreamAborted' | 'StreamTooLong'

/** All bytes of a small stream. Throws StreamTooLong, without reading on, as soon as there are more than `maxBytes`. */
export async function collect(stream: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of limited(stream, maxBytes)) chunks.push(chunk)
  const [only] = chunks
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks)
}

/** Passes bytes on until there are more than `maxBytes`, then throws (StreamTooLong unless `tooLong` makes another). */
export async function* limited(
  stream: AsyncIterable<Buffer>,
  maxBytes: number,
  tooLong: () => Error = () =>
    new CodedError<StreamErrorCode>('StreamTooLong', `the stream is longer than ${maxBytes} bytes`),
): AsyncGenerator<Buffer> {
  let total = 0
  for await (const chunk of stream) {
    total += chunk.length
    if (total > maxBytes) throw tooLong()
    yield chunk
  }
}

/**
 * Pulls the first chunk now, so that what can fail at the start fails before a status line is sent. The result may be
 * iterated once; call its `return` when it will not be iterated after all.
 */
export async function primed(stream: AsyncIterable<Buffer>): Promise<AsyncIterableIterator<Buffer>> {
  const iterator = stream[Symbol.asyncIterator]()
  let first: IteratorResult<Buffer> | undefined = await iterator.next()
  const next = (): Promise<IteratorResult<Buffer>> => {
    if (first === undefined) return iterator.next()
    const result = first
    // An iterator that has ended must keep saying so.
    if (!result.done) first = undefined
    return Promise.resolve(result)
  }
  const end = async (): Promise<IteratorResult<Buffer>> => {
    first = { done: true, value: undefined }
    await iterator.return?.()
    return first
  }
  const rest: AsyncIterableIterator<Buffer> = { next, return: end, [Symbol.asyncIterator]: () => rest }
  return rest
}

/** The chunks of batches, one after the other; what is waiting costs no turn of the generators that it came through. Once. */
export function piecewise(batches: AsyncIterable<readonly Buffer[]>): AsyncIterableIterator<Buffer> {
  const source = batches[Symbol.asyncIterator]()
  let batch: readonly Buffer[] = []
  let at = 0
  const took = (step: IteratorResult<readonly Buffer[]>): IteratorResult<Buffer> | Promise<IteratorResult<Buffer>> => {
    if (step.done) return DONE
    batch = step.value
    at = 0
    return next()
  }
  const next = (): Promise<IteratorResult<Buffer>> => {
    const value = batch[at++]
    if (value !== undefined) return Promise.resolve({ done: false, value })
    // Not held while the next are waited for.
    batch = []
    return source.next().then(took)
  }
  const chunks: AsyncIterableIterator<Buffer> = {
    next,
    return: async () => {
      batch = []
      await source.return?.()
      return DONE
    },
    [Symbol.asyncIterator]: () => chunks,
  }
  return chunks
}

/** What looks at bytes as they pass. */
export interface Inspection {
  /** Not changed. */
  readonly each: (chunk: Buffer) => void
  /** At the end; may throw for what should have come. */
  readonly end: () => void
  /** What a failure of the source is called here. */
  readonly failed?: (error: unknown) => unknown
}

/**
 * Passes a stream on while it is looked at. To be iterated once. Written by hand: without three async generators on its
 * way, a small body takes 8.5 µs to the engine in place of 10.
 */
export function inspected(
  stream: AsyncIterable<Buffer>,
  { each, end, failed }: Inspection,
): AsyncIterableIterator<Buffer> {
  let source: AsyncIterator<Buffer> | undefined
  let over = false
  const leave = async (error: unknown): Promise<never> => {
    over = true
    // What went wrong first is told.
    await source?.return?.().catch(() => {})
    throw error
  }
  const passOn = (step: IteratorResult<Buffer>): IteratorResult<Buffer> | Promise<never> => {
    try {
      if (step.done) end()
      else each(step.value)
    } catch (error) {
      return leave(error)
    }
    over = step.done === true
    return step
  }
  const fail = (error: unknown): never => {
    over = true
    throw failed ? failed(error) : error
  }
  const passed: AsyncIterableIterator<Buffer> = {
    next: () => {
      if (over) return Promise.resolve(DONE)
      source ??= stream[Symbol.asyncIterator]()
      return source.next().then(passOn, fail)
    },
    return: async () => {
      over = true
      await source?.return?.()
      return DONE
    },
    [Symbol.asyncIterator]: () => passed,
  }
  return passed
}

const DONE: IteratorResult<Buffer> = { done: true, value: undefined }

const HIGH_WATER_BYTES = 256 * 1024

/**
 * The bytes of a request or another readable by its 'data' events, which is cheaper than iterating it. The source is
 * paused while more than `highWaterBytes` wait. Ends with StreamAborted when it closes before its end. To be iterated
 * once; leaving early pauses the source and leaves it open.
 */
export function readBytes(source: Readable, highWaterBytes: number = HIGH_WATER_BYTES): AsyncIterable<Buffer> {
  return { [Symbol.asyncIterator]: () => startReading(source, highWaterBytes) }
}

function startReading(source: Readable, highWaterBytes: number): AsyncIterator<Buffer> {
  const waiting: Buffer[] = []
  let waitingBytes = 0
  let outcome: 'open' | 'ended' | Error = 'open'
  let reader: PromiseWithResolvers<IteratorResult<Buffer>> | undefined

  const settle = (result: 'ended' | Error): void => {
    if (outcome !== 'open') return
    outcome = result
    detach()
    if (result === 'ended') reader?.resolve({ done: true, value: undefined })
    else reader?.reject(result)
    reader = undefined
  }
  const onData = (chunk: Buffer): void => {
    if (reader) {
      reader.resolve({ done: false, value: chunk })
      reader = undefined
      return
    }
    waiting.push(chunk)
    waitingBytes += chunk.length
    if (waitingBytes > highWaterBytes) source.pause()
  }
  const onEnd = (): void => settle('ended')
  const onClose = (): void => settle(source.readableEnded ? 'ended' : aborted(source.errored))
  const onError = (error: Error): void => settle(aborted(error))
  const detach = (): void => {
    source.off('data', onData).off('end', onEnd).off('close', onClose)
  }

  // The error listener stays for good: an error after the end must not bring the process down.
  source.on('error', onError)
  if (source.readableEnded) settle('ended')
  else if (source.destroyed) settle(aborted(source.errored))
  else source.on('data', onData).on('end', onEnd).on('close', onClose)

  const next = (): Promise<IteratorResult<Buffer>> => {
    const chunk = waiting.shift()
    if (chunk !== undefined) {
      waitingBytes -= chunk.length
      if (waitingBytes <= highWaterBytes / 2 && source.isPaused()) source.resume()
      return Promise.resolve({ done: false, value: chunk })
    }
    if (outcome === 'ended') return Promise.resolve({ done: true, value: undefined })
    if (outcome !== 'open') return Promise.reject(outcome)
    reader = Promise.withResolvers()
    if (source.isPaused()) source.resume()
    return reader.promise
  }
  return {
    next,
    return: () => {
      waiting.length = 0
      if (outcome === 'open') source.pause()
      settle('ended')
      return Promise.resolve({ done: true, value: undefined })
    },
  }
}

const aborted = (cause: unknown): CodedError<StreamErrorCode> =>
  new CodedError('StreamAborted', 'the stream was closed before its end', { cause: cause ?? undefined })
