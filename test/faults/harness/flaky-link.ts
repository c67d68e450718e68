import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'

export const MOODS = ['500', '429', 'no JSON', 'cut off', 'reset', 'never', 'late'] as const
export type Mood = (typeof MOODS)[number]

/** A way to an HTTP service that answers in its place, or not at all. */
export interface FlakyLink extends AsyncDisposable {
  readonly url: string
  /** How every so manyth request is answered; the others go through. */
  readonly become: (moods: readonly Mood[], everyNth: number) => void
  readonly answered: () => Readonly<Record<string, number>>
}

const LATE_MS = 700

export async function flakyLink(toUrl: string): Promise<FlakyLink> {
  const { hostname, port } = new URL(toUrl)
  const counts: Record<string, number> = {}
  let moods: readonly Mood[] = []
  let everyNth = 1
  let asked = 0

  const pass = (incoming: IncomingMessage, answer: ServerResponse): void => {
    const { method, url: path, headers } = incoming
    const onward = request({ hostname, port, method, path, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(answer)
      reply.on('error', () => answer.destroy())
    })
    onward.on('error', () => answer.destroy())
    incoming.on('error', () => onward.destroy())
    incoming.pipe(onward)
  }
  const server = createServer((incoming, answer) => {
    const mood = moods[asked % Math.max(1, moods.length)]
    if (mood === undefined || asked++ % everyNth > 0) return pass(incoming, answer)
    counts[mood] = (counts[mood] ?? 0) + 1
    if (mood === 'reset') incoming.socket.destroy()
    else if (mood === 'late') setTimeout(() => pass(incoming, answer), LATE_MS)
    else if (mood === 'cut off') {
      answer.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' })
      answer.write('{"ciphertext":', () => answer.destroy())
    } else if (mood !== 'never') {
      answer.writeHead(mood === 'no JSON' ? 200 : Number(mood), { 'content-type': 'application/json' })
      answer.end(mood === 'no JSON' ? '<html>' : '{"resources":[{"errorMsg":"made by a test"}]}')
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    become: (next, nth) => {
      moods = next
      everyNth = nth
      asked = 0
      if (next.length === 0) server.closeAllConnections()
    },
    answered: () => counts,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
