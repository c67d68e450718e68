import { closeSync, openSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { hasCode } from '../base/errors.ts'
import type { Logger } from '../observe/logger.ts'
import { hasErrno } from '../storage/errno.ts'

/**
 * `coffer.sock` in the data directory: where commands on this host speak to the server that has the directory. Whoever may
 * open it could read and write the directory itself, so it asks for no other right.
 */
const NAME = 'coffer.sock'

export interface HostCall {
  readonly parameters: Readonly<Record<string, string | undefined>>
  readonly incoming: IncomingMessage
  readonly reply: ServerResponse
  /** Aborted when the caller has gone. */
  readonly gone: AbortSignal
}

export interface HostRoute {
  readonly method: 'GET' | 'POST'
  /** Its named groups are the parameters. */
  readonly path: RegExp
  readonly handle: (call: HostCall) => Promise<void>
}

/** Listens until disposed, which cuts whoever is still there. Precondition: this process has the lock of the directory. */
export async function openHostSocket(
  dataDir: string,
  routes: readonly HostRoute[],
  log: Logger,
): Promise<AsyncDisposable> {
  const running = new Set<Promise<void>>()
  const server = createServer((incoming, reply) => {
    const work = answer(routes, incoming, reply).catch((err: unknown) => {
      log.error({ err }, 'a command on this host failed')
      fail(reply, 500, err)
    })
    running.add(work)
    void work.finally(() => running.delete(work))
  })
  const place = placeIn(dataDir)
  // Left by a process that was killed: the lock of the directory is ours.
  await rm(join(dataDir, NAME), { force: true })
  const listening = Promise.withResolvers<void>()
  server.once('error', listening.reject).once('listening', listening.resolve)
  // The name is made while `listen` runs, so nobody else may open it for a moment either.
  const mask = process.umask(0o177)
  try {
    server.listen(place.path)
  } finally {
    process.umask(mask)
  }
  await listening.promise
  server.on('error', (err) => log.error({ err }, 'the socket for commands on this host failed'))
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      server.closeAllConnections()
      await closed.promise
      await Promise.allSettled(running)
      place.close()
    },
  }
}

async function answer(routes: readonly HostRoute[], incoming: IncomingMessage, reply: ServerResponse): Promise<void> {
  const gone = new AbortController()
  reply.on('close', () => gone.abort()).on('error', () => gone.abort())
  for (const { method, path, handle } of routes) {
    const found = path.exec(incoming.url ?? '')
    if (!found || method !== incoming.method) continue
    return handle({ parameters: found.groups ?? {}, incoming, reply, gone: gone.signal })
  }
  fail(reply, 404, new Error('this server has no such call'))
}

function fail(reply: ServerResponse, status: number, error: unknown): void {
  if (reply.headersSent) return void reply.destroy()
  const code = hasCode(error) ? error.code : 'InternalError'
  const message = error instanceof Error ? error.message : 'internal error'
  reply.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ code, message }))
}

export interface HostRequest {
  readonly method: HostRoute['method']
  readonly path: string
  readonly body?: string
  readonly signal?: AbortSignal
}

/** Undefined when no server has the directory. Any status. */
export async function askHost(
  dataDir: string,
  { method, path, body, signal }: HostRequest,
): Promise<IncomingMessage | undefined> {
  const place = placeIn(dataDir)
  const answered = Promise.withResolvers<IncomingMessage | undefined>()
  const asked = request({ socketPath: place.path, method, path, agent: false, signal }, answered.resolve)
  asked.on('error', (error) => {
    if (hasErrno(error, 'ENOENT', 'ECONNREFUSED', 'ENOTSOCK')) answered.resolve(undefined)
    else answered.reject(error)
  })
  asked.end(body)
  try {
    return await answered.promise
  } finally {
    place.close()
  }
}

/** The system's limit of a socket's name is 103 bytes, or a few more. */
const MAX_PATH_BYTES = 100

/** A name for the socket that is short enough, by way of the open directory where its path is not. */
function placeIn(dataDir: string): { readonly path: string; readonly close: () => void } {
  const path = join(dataDir, NAME)
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES || process.platform !== 'linux') return { path, close: () => {} }
  try {
    const fd = openSync(dataDir, 'r')
    return { path: `/proc/self/fd/${fd}/${NAME}`, close: () => closeSync(fd) }
  } catch (error) {
    // Of a directory that is not there the caller says so.
    if (hasErrno(error, 'ENOENT')) return { path: join('/proc/self/fd', NAME), close: () => {} }
    throw error
  }
}
