import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way through to a server that can be cut like a cable: nothing is refused and nothing answers. */
export interface CuttableLink extends AsyncDisposable {
  readonly url: string
  readonly cut: () => void
  /** Resolves when so many bytes more went either way, and it is cut. */
  readonly cutAfter: (bytes: number) => Promise<void>
  readonly mend: () => void
}

export async function cuttableLink(toUrl: string): Promise<CuttableLink> {
  const { hostname, port } = new URL(toUrl)
  const sockets = new Set<Socket>()
  let isCut = false
  let passing = Number.POSITIVE_INFINITY
  let onCut = (): void => {}
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => {
        if (isCut) return
        to.write(bytes)
        passing -= bytes.length
        if (passing > 0) return
        isCut = true
        onCut()
      })
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        if (!isCut) to.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut: () => {
      isCut = true
    },
    cutAfter: (bytes) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      passing = bytes
      onCut = resolve
      return promise
    },
    mend: () => {
      isCut = false
      passing = Number.POSITIVE_INFINITY
      // Their bytes are lost.
      for (const socket of sockets) socket.destroy()
    },
    [Symbol.asyncDispose]: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
