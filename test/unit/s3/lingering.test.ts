import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { lingering } from '../../../src/api/s3/lingering.ts'

it('a refusal that is read again from a byte on gives the rest of it, and the body is read away all the same', async () => {
  const document = '<Error>refused</Error>'
  for (const sentBytes of [0, 1, document.length - 1, document.length]) {
    const incoming = new IncomingMessage(new Socket())
    incoming.push('what nobody asked for')
    incoming.push(null)
    const { body, headers } = lingering({ status: 403, body: document }, incoming)
    if (typeof body !== 'object' || Buffer.isBuffer(body)) throw new Error('the refusal is not streamed')
    const parts: Buffer[] = []
    for await (const part of body.from(sentBytes)) parts.push(part)
    expect(Buffer.concat(parts).toString()).toBe(document.slice(sentBytes))
    expect(headers?.['content-length']).toBe(document.length)
    expect(incoming.readableEnded).toBe(true)
  }
})
