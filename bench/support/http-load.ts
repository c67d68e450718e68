import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface HttpCall {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** How many answers came in the time, the next call of a connection going out when the last one is answered. Throws unless all are 200. */
export async function answersIn(call: HttpCall, connections: number, ms: number): Promise<number> {
  const request = requestBytes(call)
  const until = performance.now() + ms
  const counts = await Promise.all(Array.from({ length: connections }, () => oneConnection(call.url, request, until)))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** The body of one answer. */
export async function answerTo(call: HttpCall): Promise<string> {
  const { url, headers, body } = call
  const reply = await fetch(url, { method: 'POST', headers, body })
  const text = await reply.text()
  if (reply.status !== 200) throw new Error(`${url.pathname} answered ${reply.status}: ${text}`)
  return text
}

function requestBytes({ url, headers, body }: HttpCall): Buffer {
  const all = { Host: url.host, ...headers, 'Content-Length': String(Buffer.byteLength(body)) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return Buffer.from(`POST ${url.pathname} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
}

async function oneConnection(url: URL, request: Buffer, until: number): Promise<number> {
  const socket = connect(Number(url.port), url.hostname).setNoDelay()
  await once(socket, 'connect')
  const answers = answersOf(socket)
  let count = 0
  try {
    while (performance.now() < until) {
      socket.write(request)
      const { done } = await answers.next()
      if (done) throw new Error('the server closed the connection')
      count++
    }
  } finally {
    socket.destroy()
  }
  return count
}

/** Only what is needed of HTTP: a status line with 200, and Content-Length. */
async function* answersOf(socket: Socket): AsyncGenerator<void> {
  let seen = ''
  for await (const chunk of socket) {
    seen += chunk.toString('latin1')
    for (let end = endOf(seen); end >= 0 && end <= seen.length; end = endOf(seen)) {
      seen = seen.slice(end)
      yield
    }
  }
}

function endOf(seen: string): number {
  const head = seen.indexOf('\r\n\r\n')
  if (head < 0) return -1
  if (!seen.startsWith('HTTP/1.1 200 ')) throw new Error(`an answer is ${seen.slice(0, seen.indexOf('\r\n'))}`)
  const length = /\r\ncontent-length: (\d+)/i.exec(seen.slice(0, head))?.[1]
  if (length === undefined) throw new Error('an answer has no Content-Length')
  return head + 4 + Number(length)
}
