import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { collect } from '../../base/streams.ts'
import type { Logger } from '../../observe/logger.ts'
import type { HostCall, HostRoute } from '../host-socket.ts'
import { backupError } from './manifest.ts'
import type { BackupOf, BackupSession } from './session.ts'

const DIGEST_BYTES = 64

/**
 * A backup by a command on this host. `POST /backups` (`?after=` the newest backup that there is, `?of=keys`) answers with a line
 * of JSON and then stays open: the session ends with the connection, however that ends.
 */
export function backupRoutes(
  begin: (what: BackupOf, after?: string) => Promise<BackupSession>,
  log: Pick<Logger, 'info'>,
): readonly HostRoute[] {
  const sessions = new Map<string, BackupSession>()
  const sessionOf = ({ parameters: { id = '' } }: HostCall): BackupSession => {
    const session = sessions.get(id)
    if (session) return session
    throw backupError('BackupInterrupted', `the backup ${id} has ended`)
  }
  return [
    {
      method: 'POST',
      path: /^\/backups(?<keys>\?of=keys)?(?:\?after=(?<after>[\w-]{1,64}))?$/,
      handle: async ({ parameters, reply, gone }) => {
        await using session = await begin(parameters['keys'] === undefined ? 'all' : 'keys', parameters['after'])
        const { id: backup } = session.info
        sessions.set(backup, session)
        log.info({ backup }, 'a backup begins: bytes that are deleted from now on stay until it has ended')
        try {
          reply.writeHead(200, { 'Content-Type': 'application/json' })
          reply.write(`${JSON.stringify(session.info)}\n`)
          if (!gone.aborted) await new Promise((resolve) => gone.addEventListener('abort', resolve))
        } finally {
          sessions.delete(backup)
          log.info({ backup }, 'the backup has ended')
        }
      },
    },
    {
      method: 'GET',
      path: /^\/backups\/(?<id>[\w-]+)\/rows\/(?<store>[a-z]+)$/,
      handle: async (call) => {
        const rows = sessionOf(call).rows(call.parameters['store'] ?? '')
        await pipeline(Readable.from(rows, { objectMode: false, highWaterMark: 1024 ** 2 }), call.reply)
      },
    },
    {
      method: 'POST',
      path: /^\/backups\/(?<id>[\w-]+)\/signature$/,
      handle: async (call) => {
        const digest = (await collect(Readable.from(call.incoming), DIGEST_BYTES)).toString('latin1')
        if (!/^[0-9a-f]{64}$/.test(digest)) throw backupError('BackupInvalid', 'a digest is 64 hex digits')
        call.reply.end(await sessionOf(call).sign(digest))
      },
    },
  ]
}
