import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { CodedError, hasCode } from '../../base/errors.ts'
import { contain } from './contained.ts'
import { sessionCookie } from './cookie.ts'
import type { ConsoleErrorCode } from './errors.ts'
import type { Handles } from './handles.ts'
import { headerOf } from './header-of.ts'
import { checkRequest } from './origin.ts'
import { readdress } from './readdress.ts'
import type { Session, Sessions } from './sessions.ts'

export interface GateOptions {
  readonly sessions: Sessions
  readonly handles: Handles
  /** The control APIs, as any client reaches them. */
  readonly control: RequestListener
  /** S3; undefined in the half without objects. It is to know callers by the handles. */
  readonly s3: ((incoming: IncomingMessage, response: ServerResponse) => Promise<void>) | undefined
}

/** Serves what the gate has under this path; undefined: it has nothing. Throws what it refuses. */
export type Gate = (incoming: IncomingMessage, response: ServerResponse) => Promise<void> | undefined

const PREVIEW_QUERY = /^(?:versionId=[A-Za-z0-9._~%-]+)?$/

/**
 * The APIs for whoever has a session: `/ui/api/…`, `/ui/s3/…`, `/ui/preview/…`. They get the request as any client would
 * send it, from the one who signed in and with no more rights.
 */
export function createGate({ sessions, handles, control, s3 }: GateOptions): Gate {
  const pass = async (incoming: IncomingMessage, response: ServerResponse, target: Target): Promise<void> => {
    const session = sessions.use(sessionCookie(headerOf(incoming)))
    if (!session) throw noSession()
    checkRequest(headerOf(incoming), incoming.method ?? 'GET', session)
    await stillGood(session, sessions)
    const { token, takeBack } = handles.lend(session.credentials.principal)
    response.once('close', takeBack)
    const authorization = `Bearer ${token}`
    if (target.api === 'control') {
      readdress(incoming, target.url, { authorization })
      control(incoming, response)
      return
    }
    if (!s3) throw new CodedError<ConsoleErrorCode>('NoObjects', 'This process has no objects.')
    const isPreview = target.api === 'preview'
    if (isPreview && !isPlainRead(incoming, target.url)) throw notAPreview()
    contain(response, { fileName: fileNameOf(incoming, target.url), isPreview })
    readdress(incoming, target.url, {
      authorization,
      // No bucket is named by it.
      host: '127.0.0.1',
      'ibm-service-instance-id':
        headerOf(incoming)('ibm-service-instance-id') ?? session.credentials.serviceInstanceCrn,
    })
    await s3(incoming, response)
  }
  return (incoming, response) => {
    const target = targetOf(incoming.url ?? '/')
    return target && pass(incoming, response, target)
  }
}

interface Target {
  readonly api: 'control' | 's3' | 'preview'
  /** As the API gets it. */
  readonly url: string
}

function targetOf(url: string): Target | undefined {
  const [, room, rest] = /^\/ui\/(api|s3|preview)(\/.*|\?.*)?$/s.exec(url) ?? []
  if (room === undefined) return undefined
  const path = rest === undefined ? '/' : rest.startsWith('?') ? `/${rest}` : rest
  if (room === 'api') return { api: 'control', url: path }
  return { api: room === 'preview' ? 'preview' : 's3', url: path }
}

/** The credentials that somebody signed in with were disabled or deleted: the session is over, too. */
async function stillGood({ id, credentials }: Session, sessions: Sessions): Promise<void> {
  try {
    await credentials.principal()
  } catch (error) {
    if (!hasCode(error, 'InvalidToken', 'ExpiredToken', 'RefreshTokenInvalid', 'RefreshTokenExpired')) throw error
    sessions.end(id)
    throw noSession()
  }
}

export const noSession = (): CodedError<ConsoleErrorCode> =>
  new CodedError('NoSession', 'Nobody is signed in, or the session has ended.')

const isPlainRead = ({ method }: IncomingMessage, url: string): boolean =>
  (method === 'GET' || method === 'HEAD') && PREVIEW_QUERY.test(url.split('?')[1] ?? '')

const notAPreview = (): CodedError<ConsoleErrorCode> =>
  new CodedError('NotAPreview', 'A preview is of an object, or of one of its versions.')

/** Of an object that is read: the last part of its key. */
function fileNameOf({ method }: IncomingMessage, url: string): string | undefined {
  const [path = ''] = url.split('?', 1)
  const slash = path.indexOf('/', 1)
  if (method !== 'GET' || slash < 0 || slash === path.length - 1) return undefined
  try {
    return decodeURIComponent(path.slice(slash + 1))
      .split('/')
      .findLast((part) => part !== '')
  } catch {
    // Refused for it.
    return undefined
  }
}
