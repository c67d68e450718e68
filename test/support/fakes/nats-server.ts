import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** What was published with the wish for an answer. */
export interface Published {
  readonly subject: string
  readonly headers: string
  readonly payload: string
}

/** As much of a NATS server as a client that publishes and waits for the acknowledgement sees of it. */
export interface FakeNatsServer {
  readonly port: number
  readonly published: readonly Published[]
  /** What the client said of itself, of each connection. */
  readonly connected: readonly Readonly<Record<string, unknown>>[]
  /** Ends every connection, too. */
  readonly close: () => Promise<void>
}

export interface FakeNatsOptions {
  /** Default: any that is free. */
  readonly port?: number
  readonly password?: string
  /** Undefined: nobody answers. */
  readonly answer: (published: Published, count: number) => string | undefined
}

export async function startNatsServer({ port = 0, password, answer }: FakeNatsOptions): Promise<FakeNatsServer> {
  const published: Published[] = []
  const connected: Record<string, unknown>[] = []
  const sockets = new Set<Socket>()
  const info = { server_id: 'fake', version: '2.12.0', proto: 1, headers: true, max_payload: 1_048_576 }

  const serve = (socket: Socket): void => {
    /** Of the one subscription that a client's answers come by. */
    let inbox = ''
    let rest = Buffer.alloc(0)
    const answered = (reply: string, text: string): void => {
      socket.write(`MSG ${reply} ${inbox} ${Buffer.byteLength(text)}\r\n${text}\r\n`)
    }
    const handlers: Readonly<Record<string, (words: readonly string[], line: string) => void>> = {
      CONNECT: (_, line) => {
        const said: Record<string, unknown> = JSON.parse(line.slice('CONNECT '.length))
        connected.push(said)
        if (password !== undefined && said['pass'] !== password) socket.end("-ERR 'Authorization Violation'\r\n")
      },
      PING: () => void socket.write('PONG\r\n'),
      SUB: (words) => {
        inbox = words.at(-1) ?? ''
      },
    }
    /** False when more has to come first. */
    const next = (): boolean => {
      const end = rest.indexOf('\r\n')
      if (end < 0) return false
      const line = rest.toString('utf8', 0, end)
      const words = line.split(' ')
      if (words[0] !== 'HPUB') {
        rest = rest.subarray(end + 2)
        handlers[words[0] ?? '']?.(words, line)
        return true
      }
      const [, subject = '', reply = '', headerLength = '', length = ''] = words
      const payloadAt = end + 2 + Number(headerLength)
      const whole = end + 2 + Number(length)
      if (rest.length < whole + 2) return false
      const headers = rest.toString('utf8', end + 2, payloadAt)
      const one = { subject, headers, payload: rest.toString('utf8', payloadAt, whole) }
      rest = rest.subarray(whole + 2)
      const text = answer(one, published.push(one))
      if (text !== undefined) answered(reply, text)
      return true
    }
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      while (next());
    })
    socket.write(`INFO ${JSON.stringify({ ...info, auth_required: password !== undefined })}\r\n`)
  }

  const server = createServer(serve).listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : port,
    published,
    connected,
    close: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
