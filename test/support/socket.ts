import { connect, type Socket } from 'node:net'

export interface Exchange {
  /** Everything that came back, as Latin-1. */
  readonly text: string
  /** Status lines in it. */
  readonly statuses: readonly number[]
  /** The server closed the connection; otherwise we gave up waiting. */
  readonly closed: boolean
}

export async function openSocket(s3Url: string): Promise<Socket> {
  const { hostname, port } = new URL(s3Url)
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

/** Writes bytes to the port, whatever they are, and takes what comes until the server closes, or for `patienceMs`. */
export async function exchange(
  s3Url: string,
  bytes: Buffer | string,
  options: { readonly patienceMs?: number; readonly halfClose?: boolean } = {},
): Promise<Exchange> {
  const { patienceMs = 3000, halfClose = false } = options
  const socket = await openSocket(s3Url)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = new Promise<boolean>((resolve) => {
    socket.once('end', () => resolve(true))
    socket.once('close', () => resolve(true))
    setTimeout(() => resolve(false), patienceMs).unref()
  })
  const raw = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
  if (halfClose) socket.end(raw)
  else socket.write(raw)
  const ended = await closed
  socket.destroy()
  const text = Buffer.concat(chunks).toString('latin1')
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
  return { text, statuses, closed: ended }
}
