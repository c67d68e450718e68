import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { contentBytes } from '../support/content.ts'
import { replyOf, sha256, signRaw, startRaw } from '../support/raw-s3.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const OBJECT_BYTES = 24 * 1024 * 1024
const PIECES = 6

let home: TemporaryDirectory
beforeEach(async () => {
  home = await temporaryDirectory()
  return () => home[Symbol.asyncDispose]()
})

const start = async (settings: Readonly<Record<string, string>> = {}): Promise<ServerProcess> => {
  const bootstrapFile = await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount])
  return startServerProcess({ dataDir: home.join('data'), bootstrapFile, settings })
}

const clientOf = ({ s3Url }: ServerProcess) => s3ClientFor({ s3Url, ...mainAccount.user })

/** What was opened by hand is closed whatever a test ends with. */
const open = new Set<{ readonly destroy: () => unknown }>()
afterEach(() => {
  for (const each of open) each.destroy()
  open.clear()
})

/** Resets are what some of these connections are for. */
function dial(port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  open.add(socket)
  return socket.on('error', () => {})
}

async function refusesConnections(port: number): Promise<boolean> {
  const socket = dial(port)
  try {
    await once(socket, 'connect')
    return false
  } catch {
    return true
  }
}

async function untilDraining(server: ServerProcess): Promise<void> {
  while (!(await refusesConnections(server.s3Port))) await sleep(20)
}

async function startDownload(server: ServerProcess, path: string, agent: Agent | false): Promise<IncomingMessage> {
  const signed = signRaw(server.s3Url, { method: 'GET', path })
  const outgoing = httpRequest(`${server.s3Url}${path}`, { headers: signed.headers, agent })
  outgoing.on('error', () => {})
  outgoing.end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  open.add(incoming)
  incoming.on('error', () => {})
  return incoming
}

const terminate = (server: ServerProcess): void => {
  process.kill(server.pid, 'SIGTERM')
}

describe('after SIGTERM', () => {
  it('a running upload and a running download finish; new connections are refused; readiness is 503; the exit code is 0', async () => {
    await using server = await start()
    const client = clientOf(server)
    const content = contentBytes('down', OBJECT_BYTES)
    await makeBucket(client, 'bucket')
    await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'down', Body: content }))
    const agent = new Agent({ keepAlive: true })
    open.add(agent)

    const download = await startDownload(server, '/bucket/down', agent)
    const upload = contentBytes('up', OBJECT_BYTES)
    const signed = signRaw(server.s3Url, { method: 'PUT', path: '/bucket/up', payload: sha256(upload) })
    const uploading = startRaw(server.s3Url, {
      ...signed,
      headers: { ...signed.headers, 'content-length': String(OBJECT_BYTES), expect: '100-continue' },
    })
    open.add(uploading)
    const uploaded = replyOf(uploading)
    uploading.flushHeaders()
    // The server has begun with it.
    await once(uploading, 'continue')
    uploading.write(upload.subarray(0, OBJECT_BYTES / PIECES))
    // A connection that is idle, and one that has not said anything yet, hold nothing up.
    dial(server.s3Port)
    await client.send(new HeadObjectCommand({ Bucket: 'bucket', Key: 'down' }))

    terminate(server)
    await untilDraining(server)
    const ready = await fetch(`${server.controlUrl}/health/ready`)
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'unavailable', problems: ['draining'] }])
    expect((await fetch(`${server.controlUrl}/health/live`)).status).toBe(200)

    for (let piece = 1; piece < PIECES; piece++) {
      await sleep(100)
      uploading.write(upload.subarray((piece * OBJECT_BYTES) / PIECES, ((piece + 1) * OBJECT_BYTES) / PIECES))
    }
    uploading.end()
    expect((await uploaded).status).toBe(200)
    expect(server.running()).toBe(true)
    const chunks: Buffer[] = []
    for await (const chunk of download) chunks.push(chunk)
    expect(Buffer.concat(chunks).equals(content)).toBe(true)
    expect(await server.ended()).toBe(0)

    await using again = await start()
    const { Body: body } = await clientOf(again).send(new GetObjectCommand({ Bucket: 'bucket', Key: 'up' }))
    expect(Buffer.from((await body?.transformToByteArray()) ?? []).equals(upload)).toBe(true)
  })

  it('connections without a request are closed at once, and requests in between get an answer that closes', async () => {
    await using server = await start()
    const client = clientOf(server)
    await makeBucket(client, 'bucket')
    const silent: Socket[] = []
    for (const bytes of ['', 'GET / HTTP/1.1\r\nHost: x\r\n']) {
      const socket = dial(server.s3Port)
      await once(socket, 'connect')
      socket.write(bytes)
      silent.push(socket)
    }
    const closed = silent.map((socket) => once(socket.resume(), 'close'))
    const body = contentBytes('late', 1000)
    const signed = signRaw(server.s3Url, { method: 'PUT', path: '/bucket/late', payload: sha256(body) })
    const uploading = startRaw(server.s3Url, {
      ...signed,
      headers: { ...signed.headers, 'content-length': '1000', connection: 'keep-alive' },
    })
    open.add(uploading)
    const uploaded = replyOf(uploading)
    uploading.write(body.subarray(0, 500))
    await sleep(100)
    terminate(server)
    await Promise.all(closed)
    expect(server.running()).toBe(true)
    uploading.end(body.subarray(500))
    const reply = await uploaded
    expect([reply.status, reply.headers.connection]).toEqual([200, 'close'])
    expect(await server.ended()).toBe(0)
  })

  it('requests that were sent ahead before it are all served, in their order', async () => {
    await using server = await start()
    const client = clientOf(server)
    await makeBucket(client, 'bucket')
    const socket = dial(server.s3Port)
    await once(socket, 'connect')
    const put = (key: string): string => {
      const { target, headers } = signRaw(server.s3Url, { method: 'PUT', path: `/bucket/${key}`, body: 'ahead' })
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
      return `${[`PUT ${target} HTTP/1.1`, ...lines, 'content-length: 5', '', ''].join('\r\n')}ahead`
    }
    let answers = ''
    socket.setEncoding('latin1').on('data', (text) => {
      answers += text
    })
    const closed = once(socket, 'close')
    socket.write(['0', '1', '2', '3', '4'].map(put).join(''))
    await once(socket, 'data')
    terminate(server)
    await closed
    expect(answers.match(/HTTP\/1.1 200/g)).toHaveLength(5)
    expect(answers.match(/Connection: close/g)).toHaveLength(1)
    expect(await server.ended()).toBe(0)
  })

  it('clients that are stuck are cut when the drain time is over, and nothing of their uploads is there', async () => {
    await using server = await start({ COFFER_DRAIN_MS: '300' })
    const client = clientOf(server)
    await makeBucket(client, 'bucket')
    await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'down', Body: contentBytes('down', OBJECT_BYTES) }))
    const download = await startDownload(server, '/bucket/down', false)
    const signed = signRaw(server.s3Url, { method: 'PUT', path: '/bucket/stuck', payload: 'UNSIGNED-PAYLOAD' })
    const uploading = startRaw(server.s3Url, {
      ...signed,
      headers: { ...signed.headers, 'content-length': String(OBJECT_BYTES) },
    })
    open.add(uploading)
    uploading.write(contentBytes('stuck', 1024 * 1024))
    const control = dial(server.controlPort)
    control.write('POST /identity/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\ngrant')
    await sleep(200)
    terminate(server)
    expect(await server.ended()).toBe(0)
    // A plain close would look like the end to a client that counts no bytes.
    const cut = once(download.resume(), 'end', { signal: AbortSignal.timeout(5000) })
    await expect(cut).rejects.toMatchObject({ code: 'ECONNRESET' })

    await using again = await start()
    await expect(clientOf(again).send(new HeadObjectCommand({ Bucket: 'bucket', Key: 'stuck' }))).rejects.toMatchObject(
      { name: 'NotFound' },
    )
    const { ContentLength: length } = await clientOf(again).send(
      new HeadObjectCommand({ Bucket: 'bucket', Key: 'down' }),
    )
    expect(length).toBe(OBJECT_BYTES)
  })

  it('or SIGINT, further signals change nothing: the drain goes on', async () => {
    await using server = await start()
    await makeBucket(clientOf(server), 'bucket')
    const body = contentBytes('up', 1000)
    const signed = signRaw(server.s3Url, { method: 'PUT', path: '/bucket/up', payload: sha256(body) })
    const uploading = startRaw(server.s3Url, { ...signed, headers: { ...signed.headers, 'content-length': '1000' } })
    open.add(uploading)
    const uploaded = replyOf(uploading)
    uploading.write(body.subarray(0, 500))
    await sleep(100)
    // As Ctrl-C under npm does: once from the terminal, once from npm.
    for (const signal of ['SIGINT', 'SIGINT', 'SIGTERM', 'SIGTERM'] as const) process.kill(server.pid, signal)
    await untilDraining(server)
    uploading.end(body.subarray(500))
    expect((await uploaded).status).toBe(200)
    expect(await server.ended()).toBe(0)
  })
})
