import { createReadStream } from 'node:fs'
import { createServer } from 'node:http'
import { pipeline } from 'node:stream'

/**
 * The least that node:http can do for an object: an answer from memory or from the file that it is started with to GET, and
 * to PUT once the body is read. No signature, no encryption. `GET /memory/<bytes>`, `GET /file/<bytes>`. Prints its port.
 */
const [, , file = ''] = process.argv
const bodies = new Map<number, Buffer>()

const server = createServer((request, response) => {
  request.on('error', () => response.destroy())
  if (request.method === 'PUT') {
    request.on('data', () => {})
    request.on('end', () => response.writeHead(200, { 'content-length': 0, etag: '"0"' }).end())
    return
  }
  const [, from, length] = request.url?.split('/') ?? []
  const bytes = Number(length)
  response.writeHead(200, { 'content-length': bytes, etag: '"0"', 'content-type': 'binary/octet-stream' })
  if (from === 'file') {
    pipeline(createReadStream(file, { end: bytes - 1, highWaterMark: 256 * 1024 }), response, () => {})
    return
  }
  const CHUNK_BYTES = 256 * 1024
  const chunk = bodies.get(Math.min(bytes, CHUNK_BYTES)) ?? Buffer.alloc(Math.min(bytes, CHUNK_BYTES), 'x')
  bodies.set(chunk.length, chunk)
  let left = bytes
  const more = (): void => {
    while (left > 0) {
      const some = left < chunk.length ? chunk.subarray(0, left) : chunk
      left -= some.length
      if (left === 0) {
        response.end(some)
        return
      }
      if (!response.write(some)) {
        response.once('drain', more)
        return
      }
    }
    response.end()
  }
  more()
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) console.log(address.port)
})
