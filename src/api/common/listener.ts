import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Context, Next } from 'koa'
import Koa from 'koa'
import { CodedError, hasCode } from '../../base/errors.ts'
import { newUuid } from '../../base/ids.ts'
import { controlRequests, type Traced } from '../../observe/tracing.ts'
import { type AccessLogger, logRequest } from './access-log.ts'
import type { Api, ApiOperation } from './api.ts'
import { defineApi } from './api.ts'
import type { TlsSource } from './edge-server.ts'
import type { HealthChecks } from './health.ts'
import { healthApi } from './health.ts'
import {
  type Address,
  close,
  createLimitedServer,
  type ListenerLimits,
  listen,
  type Refuse,
  withinTime,
} from './http-server.ts'
import { plainProtocol, renderPlainError } from './plain-protocol.ts'
import { checkRequest, readRequest } from './read-request.ts'
import type { Reply } from './reply.ts'
import type { ApiRequest, RequestErrorCode } from './request.ts'
import type { ServedRequest } from './request-metrics.ts'
import type { Match } from './routes.ts'
import { createRoutes, notRouted, selectOperation } from './routes.ts'
import { tracedAnswer, tracedRequest } from './traced-request.ts'
import { hasUnreadBody } from './unread-body.ts'

export interface ControlListenerOptions {
  readonly apis: readonly Api[]
  readonly health: HealthChecks
  readonly logger: AccessLogger
  readonly limits?: Partial<ListenerLimits>
  readonly tls?: TlsSource | undefined
  /** PEM; with `tls`: clients show a certificate of one of these authorities. */
  readonly clientCa?: string | undefined
  /** Who may not sign in for now, by where they are. Default: everybody may. */
  readonly admission?: Admission | undefined
  /** Stands before the APIs, and hands on what is theirs. Default: all is. */
  readonly front?: ((incoming: IncomingMessage, response: ServerResponse, apis: RequestListener) => void) | undefined
  /** Default: nobody. */
  readonly onServed?: ((request: ServedRequest) => void) | undefined
}

/** What Throttle says, of a request. */
export interface Admission {
  /** Throws TooManyRequests. */
  readonly signIn: (request: Pick<ApiRequest, 'header' | 'remoteAddress'>) => void
  readonly refused: (request: Pick<ApiRequest, 'header' | 'remoteAddress'>) => void
}

export interface ControlListener {
  readonly server: Server
  /** Rejects when the address cannot be had. Port 0 takes a free one. */
  readonly listen: (address: Address) => Promise<Address>
  /** No new connections; resolves when those at work have ended, cut after `graceMs`. */
  readonly close: (graceMs: number) => Promise<void>
}

/** Paths of no API. */
const nowhere = defineApi(plainProtocol('none', []), [])

/** The control port: every API that is not S3, each under its own paths and in its own error language. */
export function createControlListener({
  apis,
  health,
  logger,
  limits = {},
  tls,
  clientCa,
  admission,
  front,
  onServed,
}: ControlListenerOptions): ControlListener {
  const served = [...apis, healthApi(health)]
  const handler = createHandler(served, { logger, admission, onServed })
  const refuse = refusalBy(served)
  const bounded = withinTime(handler, refuse, limits)
  const server = createLimitedServer(
    front ? (incoming, response) => front(incoming, response, bounded) : bounded,
    refuse,
    limits,
    tls,
    clientCa,
  )
  return { server, listen: (address) => listen(server, address), close: (graceMs) => close(server, graceMs) }
}

const TOLD: Readonly<Record<Parameters<Refuse>[0], string>> = {
  Unreadable: 'the request could not be read',
  HeadTooLarge: 'the head of the request is too large',
  RequestTimeout: 'the request was not there in time',
}

/** In the error language of the API whose request it is; a head that cannot be read is of none. */
const refusalBy =
  (apis: readonly Api[]): Refuse =>
  (code, response) => {
    const error = new CodedError<RequestErrorCode>(code, TOLD[code])
    const id = newUuid()
    const request = response && readRequest(response.req, response, id)
    const api = request ? apiOf(apis, request.rawPath) : nowhere
    const { status, headers, body } = request ? api.renderError(error, request) : renderPlainError(error)
    return {
      status,
      headers: { ...COMMON_HEADERS, 'X-Request-Id': id, ...(request && api.replyHeaders(request)), ...headers },
      body: typeof body === 'string' ? body : '',
    }
  }

const COMMON_HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' }

function createHandler(
  apis: readonly Api[],
  { logger, admission, onServed }: Pick<ControlListenerOptions, 'logger' | 'admission' | 'onServed'>,
) {
  const app = new Koa<{ match?: Match }>()
  const router = createRoutes(apis)
  app.silent = true
  app.on('error', (error: unknown) => logger.error({ err: error }, 'control connection failed'))
  const serve = async (context: KoaContext, next: Next, requestId: string, traced?: Traced): Promise<void> => {
    const started = performance.now()
    const read = readRequest(context.req, context.res, requestId)
    const bare = traced ? { ...read, traceparent: traced.traceparent } : read
    const api = apiOf(apis, bare.rawPath)
    const seen = await answer(context, bare, api, next)
    send(context, seen.reply, { 'X-Request-Id': bare.id, ...api.replyHeaders(bare) })
    const durationMs = performance.now() - started
    const served = {
      operation: `${api.name}.${seen.operation?.name ?? 'Unknown'}`,
      status: context.status,
      code: 'error' in seen ? (hasCode(seen.error) ? seen.error.code : 'Unexpected') : undefined,
    }
    onServed?.({ ...served, seconds: durationMs / 1000 })
    if (traced) tracedAnswer(traced, served)
    logRequest(logger, {
      ...seen,
      request: bare,
      status: context.status,
      durationMs,
      remote: context.req.socket.remoteAddress,
    })
  }
  app.use((context, next) => {
    const requestId = newUuid()
    if (!controlRequests.hasSubscribers) return serve(context, next, requestId)
    const traced = tracedRequest(context.req, requestId)
    return controlRequests.tracePromise(() => serve(context, next, requestId, traced), traced)
  })
  app.use(router.routes())
  return app.callback()

  /** The error boundary: whatever goes wrong is told in the API's own words. */
  async function answer(context: KoaContext, bare: BareRequest, api: Api, next: Next): Promise<Answer> {
    let operation: ApiOperation | undefined
    try {
      const query = checkRequest(context.req, bare.rawPath, bare.rawQuery)
      await next()
      const { match } = context.state
      if (!match) throw notRouted(router, context.path)
      operation = selectOperation(match.candidates, query)
      const request = { ...bare, query, param: paramReader(match.params) }
      if (saysWho(operation)) admission?.signIn(bare)
      return { api, operation, reply: await operation.handle(request, context.req) }
    } catch (error) {
      if (isRefusedSignIn(error)) admission?.refused(bare)
      return { api, operation, error, reply: api.renderError(error, bare) }
    }
  }
}

/** A token comes with it, or it is how one is got. */
const saysWho = ({ anonymous, bodyFormat }: ApiOperation): boolean => anonymous !== true || bodyFormat === 'form'

const isRefusedSignIn = (error: unknown): boolean =>
  hasCode(error, 'InvalidToken', 'Unauthenticated', 'ApiKeyNotFound', 'RefreshTokenInvalid', 'SignInRefused')

type KoaContext = Context & { readonly state: { match?: Match } }
type BareRequest = ReturnType<typeof readRequest>

interface Answer {
  readonly api: Api
  readonly operation: ApiOperation | undefined
  readonly reply: Reply
  readonly error?: unknown
}

function apiOf(apis: readonly Api[], path: string): Api {
  const owns = (prefix: string) => path === prefix || path.startsWith(`${prefix}/`)
  return apis.find((api) => api.prefixes.some(owns)) ?? nowhere
}

function paramReader(params: ReadonlyMap<string, string>): ApiRequest['param'] {
  return (name) => {
    const value = params.get(name)
    if (value === undefined) throw new Error(`the path has no parameter ${name}`)
    return value
  }
}

function send(context: Context, reply: Reply, headers: Readonly<Record<string, string>>): void {
  context.body = reply.body ?? Buffer.alloc(0)
  context.remove('Content-Type')
  context.set({ ...COMMON_HEADERS, ...headers, ...reply.headers })
  context.status = reply.status
  if (hasUnreadBody(context.req)) context.set('Connection', 'close')
}
