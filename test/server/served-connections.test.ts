import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type ServedConnections, servedConnections } from '../../src/server/served-connections.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function serve(listener: RequestListener): Promise<ServedConnections> {
  server = createServer(listener)
  const served = servedConnections(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return served
}

async function client(): Promise<Socket> {
  const address = server?.address()
  const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1')
  await once(socket, 'connect')
  return socket.setEncoding('latin1')
}

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
/** When the request is read to its end: Node says so a little after it tells of it. */
const answered: RequestListener = (_, response) => void setImmediate(() => response.end('well'))

/** Sends this and waits for so many answers. */
async function answers(socket: Socket, sent: string, count = 1): Promise<string> {
  let text = ''
  const read = (chunk: string): void => {
    text += chunk
  }
  socket.on('data', read)
  socket.write(sent)
  await expect.poll(() => text.split('well').length - 1).toBe(count)
  socket.off('data', read)
  return text
}

describe('connections that are to end with their answer', () => {
  it('are as many as was said, each after a whole answer that says so', async () => {
    const served = await serve(answered)
    const [one, other] = [await client(), await client()]
    expect(await answers(one, GET)).toContain('Connection: keep-alive')
    served.endAfterAnswer(1)
    const closed = once(one, 'close')
    expect(await answers(one, GET)).toContain('Connection: close')
    await closed
    expect(await answers(other, GET)).toContain('Connection: keep-alive')
    expect(served.ended()).toBe(1)
    expect(served.open()).toBe(1)
  })

  it('are none on which the client sends on, or waits for another answer', async () => {
    const served = await serve((incoming, response) => {
      if (incoming.method === 'PUT') return answered(incoming, response)
      setTimeout(() => response.end('well'), 50)
    })
    served.endAfterAnswer(10)
    const ahead = await client()
    const both = await answers(ahead, GET + GET, 2)
    expect(both.match(/Connection: [\w-]+/g)).toEqual(['Connection: keep-alive', 'Connection: close'])
    const sending = await client()
    const early = await answers(sending, 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab')
    expect(early).toContain('Connection: keep-alive')
    expect(await answers(sending, `cde${GET}`)).toContain('Connection: close')
    expect(served.ended()).toBe(2)
  })
})

it('counts the connections on which something ran since it was asked last', async () => {
  const served = await serve(answered)
  const [one, other] = [await client(), await client()]
  await answers(one, GET)
  await answers(one, GET)
  await answers(other, GET)
  expect([served.takeActive(), served.takeActive()]).toEqual([2, 0])
  expect(served.open()).toBe(2)
})

it('leaves: lets nobody in, ends what is open with its next answer, and may listen again', async () => {
  const served = await serve(answered)
  const address = server?.address()
  const socket = await client()
  await answers(socket, GET)
  served.leave()
  const refused = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1')
  expect(await once(refused, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }])
  expect(await answers(socket, GET)).toContain('Connection: close')
  await expect.poll(served.open).toBe(0)
  served.endAfterAnswer(0)
  server?.listen(0, '127.0.0.1')
  if (server) await once(server, 'listening')
  expect(await answers(await client(), GET)).toContain('Connection: keep-alive')
})

it('drains also after it has left', async () => {
  const served = await serve(answered)
  const socket = await client()
  await answers(socket, GET)
  served.leave()
  const closed = once(socket, 'close')
  await served.drain(1000)
  await closed
  await served.drain(1000)
  expect(served.open()).toBe(0)
})
