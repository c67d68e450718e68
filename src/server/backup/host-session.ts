import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { askHost } from '../host-socket.ts'
import { backupError } from './manifest.ts'
import type { BackupOf, BackupSession, SessionInfo } from './session.ts'

/**
 * A backup from the server that has the directory. `after`: the newest backup beside which it is to lie. Undefined when there is
 * no server. Throws what it answers.
 */
export async function hostSession(dataDir: string, what: BackupOf, after?: string): Promise<BackupSession | undefined> {
  const query = what === 'keys' ? '?of=keys' : after === undefined ? '' : `?after=${after}`
  const held = await askHost(dataDir, { method: 'POST', path: `/backups${query}` })
  if (!held) return undefined
  await checkStatus(held)
  const info = await firstLine(held)
  let ended = false
  held.on('close', () => {
    ended = true
  })
  // What ends it is told by the next call.
  held.on('error', () => {})
  held.resume()
  const ask = async (method: 'GET' | 'POST', what: string, body?: string): Promise<IncomingMessage> => {
    const path = `/backups/${info.id}/${what}`
    const reply = ended
      ? undefined
      : await askHost(dataDir, { method, path, ...(body === undefined ? {} : { body }) }).catch(() => undefined)
    if (!reply) throw serverEnded()
    await checkStatus(reply)
    return reply
  }
  return {
    info,
    rows: async function* (store) {
      const reply = await ask('GET', `rows/${store}`)
      try {
        for await (const chunk of reply) yield chunk
      } catch (cause) {
        throw serverEnded(cause)
      }
    },
    sign: async (digest) => text(await ask('POST', 'signature', digest)),
    [Symbol.asyncDispose]: async () => {
      held.destroy()
    },
  }
}

const serverEnded = (cause?: unknown) =>
  backupError(
    'BackupInterrupted',
    'the server ended while it was backed up. What was copied is kept: run the same command again',
    cause,
  )

async function checkStatus(reply: IncomingMessage): Promise<void> {
  if (reply.statusCode === 200) return
  const answer = await text(reply)
  throw backupError('BackupInterrupted', `the server does not back up now: ${messageOf(answer)}`)
}

function messageOf(answer: string): string {
  try {
    const { message }: { readonly message?: unknown } = JSON.parse(answer)
    return typeof message === 'string' ? message : answer
  } catch {
    return answer
  }
}

/** The rest stays open. What the server says of itself is ours: the socket is only in the hands of who may read the directory. */
async function firstLine(reply: IncomingMessage): Promise<SessionInfo> {
  const line = Promise.withResolvers<string>()
  let seen = ''
  const onData = (chunk: Buffer): void => {
    seen += chunk.toString('utf8')
    if (seen.includes('\n')) line.resolve(seen)
  }
  const onEnd = (): void => line.reject(serverEnded())
  reply.on('data', onData).once('close', onEnd).once('error', onEnd)
  const said = await line.promise
  reply.off('data', onData).off('close', onEnd).off('error', onEnd)
  return JSON.parse(said)
}
