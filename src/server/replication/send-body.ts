import { Readable } from 'node:stream'
import { createHasher } from '../../base/checksums.ts'
import type { Replica } from '../../objects/replication/target.ts'
import { checkEtag, NotTaken, type TakenAnswer } from './answers.ts'

/**
 * Sends a range of what `read` gives, read no faster than it is sent. When this is over, whatever came of it, nothing reads
 * any more: what is read may be disposed.
 */
export async function sendBody<Answer extends TakenAnswer>(
  read: Replica['read'],
  range: { readonly start: number; readonly end: number },
  signal: AbortSignal,
  send: (body: Readable, signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const md5 = createHasher('md5')
  const stop = new AbortController()
  const over = Promise.withResolvers<void>()
  let leftBytes = range.end - range.start
  let failure: unknown

  async function* hashed(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of read(range)) {
        md5.update(chunk)
        leftBytes -= chunk.length
        yield chunk
      }
    } catch (error) {
      // Streams that the client makes of this one would end the process by the error, and a pipe would not end the request.
      failure = error
      stop.abort()
      await over.promise
    }
  }

  const body = Readable.from(hashed(), { highWaterMark: 1 })
  const closed = new Promise<void>((resolve) => {
    body.once('close', resolve)
  })
  body.on('error', () => {})
  try {
    const answer = await send(body, AbortSignal.any([signal, stop.signal]))
    if (leftBytes > 0) throw new NotTaken('it answered before it had everything')
    checkEtag(answer, md5.digest())
    return answer
  } catch (error) {
    throw failure ?? error
  } finally {
    over.resolve()
    body.destroy()
    await closed
  }
}
