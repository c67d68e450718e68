import type { IncomingMessage } from 'node:http'
import type { S3Reply } from './operation.ts'

/** Bodies of refused requests are read away up to here, so that the client gets to read the answer. */
const DRAIN_BYTES = 4 * 1024 * 1024
const DRAIN_MS = 5000

/** Ends the reply, and with it the connection, only after the body was read: closing earlier resets what is on its way. */
export function lingering(reply: S3Reply, incoming: IncomingMessage): S3Reply {
  const { body } = reply
  if (typeof body !== 'string') return reply
  const document = Buffer.from(body)
  async function* from(sentBytes: number): AsyncGenerator<Buffer> {
    if (sentBytes < document.length) yield document.subarray(sentBytes)
    await drained(incoming)
  }
  const streamed = { from, close: async () => {} }
  return { ...reply, headers: { ...reply.headers, 'content-length': document.length }, body: streamed }
}

function drained(incoming: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0
    const timer = setTimeout(resolve, DRAIN_MS)
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > DRAIN_BYTES) done()
    })
    for (const event of ['end', 'close', 'error']) incoming.on(event, done)
    if (incoming.readableEnded || incoming.destroyed) done()
    incoming.resume()
  })
}
