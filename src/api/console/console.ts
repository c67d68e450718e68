import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Principal } from '../../iam/principal.ts'
import type { Api } from '../common/api.ts'
import { hasUnreadBody } from '../common/unread-body.ts'
import { type Assets, createAssets } from './assets.ts'
import { createGate, type Gate, type GateOptions } from './gate.ts'
import { createHandles } from './handles.ts'
import { setSecurityHeaders } from './headers.ts'
import type { ConsoleOptions } from './options.ts'
import { renderError } from './protocol.ts'
import { sessionApi } from './session-api.ts'
import { createSessions } from './sessions.ts'
import { createSso, type SsoOptions } from './sso.ts'

export interface Console {
  /** To be mounted with the other APIs. */
  readonly api: Api
  /** Before them: what is under `/ui` and no call of an API. `control` serves the rest, and what comes through the gate. */
  readonly front: (incoming: IncomingMessage, response: ServerResponse, control: RequestListener) => void
  /** Of a token that the gate lent; undefined for any other. */
  readonly principalOf: (token: string) => Promise<Principal> | undefined
  /** Whether there are pages to serve. */
  readonly isBuilt: () => boolean
}

export interface NewConsole extends Omit<ConsoleOptions, 'sessions' | 'sso'> {
  /** Undefined: nobody signs in with an identity provider. */
  readonly sso: SsoOptions | undefined
  readonly s3Handler: GateOptions['s3']
  readonly onFault: (error: unknown) => void
  /** Default: what was built. */
  readonly assets?: Assets
}

export const NOT_BUILT = 'The console is not built. This makes it: npm run build:web'

/** Where people look and click. It does nothing that they may not do by themselves: see the gate. */
export function createConsole({ s3Handler, onFault, assets = createAssets(), sso, ...rest }: NewConsole): Console {
  const sessions = createSessions(rest.clock)
  const handles = createHandles()
  const options = { ...rest, sessions, sso: sso && createSso(sso, rest.iam, rest.clock) }
  let gate: Gate | undefined
  return {
    api: sessionApi(options),
    principalOf: (token) => handles.find(token)?.(),
    isBuilt: assets.isBuilt,
    front: (incoming, response, control) => {
      const url = incoming.url ?? '/'
      if (!/^\/ui(?:[/?]|$)/.test(url)) {
        if (url !== '/' || !isPageAsked(incoming)) return control(incoming, response)
        endWithBody(incoming, response)
        return void response.writeHead(302, { Location: '/ui/' }).end()
      }
      response.on('error', () => {})
      incoming.on('error', () => {})
      setSecurityHeaders(response)
      if (/^\/ui\/session(?:\/ways|\/oidc(?:\/callback)?)?(?:\?|$)/.test(url)) return control(incoming, response)
      gate ??= createGate({ sessions, handles, control, s3: s3Handler })
      const through = gate(incoming, response)
      if (!through) return serveAsset(assets, url, incoming, response)
      through.catch((error: unknown) => {
        const reply = renderError(error)
        if (reply.status >= 500) onFault(error)
        const body = typeof reply.body === 'string' ? reply.body : ''
        if (!response.headersSent) sendPlain(response, reply.status, reply.headers, body, !incoming.complete)
      })
    },
  }
}

const isPageAsked = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && headers.accept?.includes('text/html') === true

/** Nobody reads a body here. */
function endWithBody(incoming: IncomingMessage, response: ServerResponse): void {
  if (hasUnreadBody(incoming)) response.setHeader('Connection', 'close')
}

function serveAsset(assets: Assets, url: string, incoming: IncomingMessage, response: ServerResponse): void {
  const [path = ''] = url.split('?', 1)
  endWithBody(incoming, response)
  if (incoming.method !== 'GET' && incoming.method !== 'HEAD') {
    return sendPlain(response, 405, { Allow: 'GET, HEAD', 'Content-Type': 'text/plain' }, 'Only GET and HEAD.\n', true)
  }
  if (path === '/ui') return void response.writeHead(308, { Location: '/ui/' }).end()
  const [, name] = /^\/ui\/assets\/([\w.-]+)$/.exec(path) ?? []
  if (name !== undefined || path.startsWith('/ui/assets/')) {
    if (name === undefined || !assets.serve(name, incoming, response))
      sendPlain(response, 404, { 'Content-Type': 'text/plain' }, 'There is no such file.\n')
    return
  }
  // Pages have addresses of their own, and are all the same file.
  if (assets.serve('index.html', incoming, response)) return
  sendPlain(response, 503, { 'Content-Type': 'text/plain' }, `${NOT_BUILT}\n`)
}

function sendPlain(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body = '',
  isLast = false,
): void {
  response.writeHead(status, {
    ...{ 'Cache-Control': 'no-store', 'Content-Length': Buffer.byteLength(body) },
    ...headers,
    // What is left of the body is not read.
    ...(isLast ? { Connection: 'close' } : {}),
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
