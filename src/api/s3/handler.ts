import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Directory } from '../../access/principal-ids.ts'
import type { Clock } from '../../base/clock.ts'
import { randomId } from '../../base/ids.ts'
import { readBytes } from '../../base/streams.ts'
import type { Iam } from '../../iam/iam.ts'
import type { Asker } from '../../objects/data-key-audit.ts'
import type { Objects } from '../../objects/objects.ts'
import { readTraceparent, s3Requests, type Traced, traceIdOf } from '../../observe/tracing.ts'
import type { ActivityTrail } from '../common/activity.ts'
import type { ClientAddress } from '../common/client-address.ts'
import type { Throttle } from '../common/throttle.ts'
import { tracedAnswer, tracedRequest } from '../common/traced-request.ts'
import { type Authorisation, authoriseRequest, Refusal } from './access/authorise-request.ts'
import { accountDirectory } from './access/directory.ts'
import { type Answer, counted, isLogged, recordAccess } from './access-log/record.ts'
import { type Tracked, trackedUses } from './activity.ts'
import { anonymousCaller, type HeldTokens } from './authenticate.ts'
import { progressing } from './body-progress.ts'
import { corsHeaders, NO_CORS } from './cors.ts'
import type { S3Error } from './error-codes.ts'
import { isFault, s3Face } from './errors.ts'
import { type FirewallTest, keepsOutReplication } from './firewall.ts'
import { withHoistedHeaders } from './hoisted-headers.ts'
import { isNoOperation, isServedAnywhere } from './hot.ts'
import { keyAccess } from './key-access.ts'
import { lingering } from './lingering.ts'
import type { Caller, OperationContext, S3Operation, S3Reply, StoreSettings } from './operation.ts'
import { OPERATIONS } from './operations/index.ts'
import { preflight } from './preflight.ts'
import { isQueryCall } from './query/read-form.ts'
import type { QueryServer } from './query/serve-query.ts'
import { readRequest } from './read-request.ts'
import type { S3Request } from './request.ts'
import { nameRequest } from './request-name.ts'
import { createRouter, type Router } from './router.ts'
import { errorReply, send } from './send.ts'
import { signIn } from './sign-in.ts'
import { pageOfError, serveWebsite } from './website/serve.ts'

export interface S3HandlerOptions {
  readonly objects: ServedObjects
  readonly iam: Pick<
    Iam,
    | (
        | 'findCredential'
        | 'verifyToken'
        | 'decide'
        | 'instance'
        | 'instances'
        | 'owner'
        | 'accounts'
        | 'accountsOfEmail'
      )
    | 'mandates'
  > &
    HeldTokens
  /** Whom the ARNs of policies mean. */
  readonly identities: Directory
  /** The query APIs of IAM and STS, which are called on the same endpoint. */
  readonly query: QueryServer
  readonly clock: Clock
  readonly settings: StoreSettings
  /** Domains whose subdomains are buckets. */
  readonly domains: readonly string[]
  /** Domains whose subdomains are the websites of buckets. */
  readonly websiteDomains: readonly string[]
  /** Where a request comes from: for the firewalls of buckets and for what is recorded. */
  readonly clientAddress: ClientAddress
  readonly firewall: FirewallTest
  readonly throttle: Throttle
  /** Told of what buckets are configured to have told. */
  readonly activity: ActivityTrail
  readonly log: S3Log
  /** Serves what this thread, which follows the one that owns the store, does not. Default: it serves all. */
  readonly elsewhere?: S3Handler | undefined
}

/** Of the engine. */
export type ServedObjects = Pick<Objects, 'buckets' | 'onBehalfOf' | 'configurationOf' | 'document' | 'known'> & {
  readonly accessLogs: Pick<Objects['accessLogs'], 'target' | 'add'>
}

export interface S3Log {
  /** One line a request. */
  readonly access: (entry: AccessEntry) => void
  /** A fault of ours, with its cause. */
  readonly fault: (entry: { readonly requestId: string; readonly operation: string }, error: unknown) => void
}

export interface AccessEntry {
  readonly requestId: string
  /** Of whoever traces the client's work: W3C Trace Context. */
  readonly traceId: string | undefined
  readonly operation: string
  readonly method: string
  readonly bucket: string | undefined
  readonly status: number
  readonly code: string | undefined
  readonly iamId: string | undefined
  readonly durationMs: number
}

export type S3Handler = (incoming: IncomingMessage, response: ServerResponse) => Promise<void>

/** In the log only, as nginx has it: the client left before there was an answer. */
const CLIENT_GONE = 499

/** What is known of a request so far. */
interface Trace {
  operation: string
  bodyAsked: boolean
  request?: S3Request
  caller?: Caller
  /** Of who called a query API. */
  iamId?: string
  sourceIp?: string
  /** W3C: what this is a part of. */
  traceparent?: string | undefined
  reason?: string
  byAcl?: boolean
  chosen?: S3Operation
  readonly answer: Answer
  /** Of every answer to it. */
  headers: Readonly<Record<string, string>>
  /** What its buckets ask to be told of it. */
  tracked: readonly Tracked[]
  code?: string
  /** Told of where it is served. */
  handedOver?: true
}

/** The life of an S3 request, in order: read → find → authenticate → authorise → prepare → run → send. */
export function createS3Handler(options: S3HandlerOptions): S3Handler {
  const router = createRouter(OPERATIONS)

  const serve = async (
    incoming: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    traced?: Traced,
  ): Promise<void> => {
    const entry = { requestId, startedAtMs: options.clock.now() }
    const began = performance.now()
    const named = { 'x-amz-request-id': entry.requestId, 'x-amz-id-2': entry.requestId, server: 'Coffer' }
    const trace: Trace = {
      ...{ operation: 'Unknown', bodyAsked: false, answer: { sentBytes: 0 }, tracked: [] },
      headers: named,
    }
    nameRequest(response, entry.requestId)
    try {
      const received = readRequest(incoming, { id: entry.requestId, ...connection(incoming, options) })
      const request = withHoistedHeaders(received)
      trace.request = request
      trace.traceparent = traced?.traceparent ?? readTraceparent(request.headers.get('traceparent'))
      if (options.elsewhere && !isServedHere(router, request, options)) {
        trace.handedOver = true
        return await options.elsewhere(incoming, response)
      }
      // Before anything can fail: they are for errors too.
      const cors = corsHeaders(request, options.objects)
      if (cors !== NO_CORS) trace.headers = { ...named, ...cors }
      if (request.method === 'OPTIONS') return await send(response, preflight(request, cors), false, trace.headers)
      const sourceIp = addressOf(incoming, request, options)
      if (sourceIp !== undefined) trace.sourceIp = sourceIp
      if (request.website) {
        const caller = anonymousCaller()
        trace.caller = caller
        options.throttle.request(caller.principal, sourceIp)
        const read = (page: S3Request) =>
          perform({ operation: router.find(page), request: page, caller }, trace, options)
        const { reply, error } = await serveWebsite(request, { objects: options.objects, read })
        if (error) note(error, trace, entry.requestId, options)
        return await answer(response, reply, request.method === 'HEAD', trace, options)
      }
      if (isQueryCall(request)) {
        const served = await options.query(received, body(incoming, response, trace, options), sourceIp)
        trace.operation = served.operation
        if (served.iamId !== undefined) trace.iamId = served.iamId
        if (served.code !== undefined) trace.code = served.code
        const fault = { requestId: entry.requestId, operation: served.operation }
        if (served.fault !== undefined) options.log.fault(fault, served.fault)
        // What is left of a body that was too long is not read.
        if (!incoming.complete) response.setHeader('connection', 'close')
        return await answer(response, served.reply, false, trace, options)
      }
      const operation = router.find(request)
      trace.operation = operation.name
      trace.chosen = operation
      const caller = await signIn(received, body(incoming, response, trace, options), sourceIp, options)
      trace.caller = caller
      const reply = await perform({ operation, request, caller }, trace, options)
      await answer(response, reply, request.method === 'HEAD', trace, options)
    } catch (error) {
      const face = s3Face(error)
      note(error, trace, entry.requestId, options)
      if (!response.headersSent && !response.destroyed)
        await refuse(incoming, response, face, { requestId: entry.requestId, trace }, options)
    } finally {
      if (!trace.handedOver) record(incoming, response, { ...entry, began }, trace, options)
      if (traced) tell(traced, trace, response)
    }
  }

  return (incoming, response) => {
    const requestId = randomId()
    if (!s3Requests.hasSubscribers) return serve(incoming, response, requestId)
    const traced = tracedRequest(incoming, requestId)
    return s3Requests.tracePromise(() => serve(incoming, response, requestId, traced), traced)
  }
}

function isServedHere(router: Router, request: S3Request, { objects }: S3HandlerOptions): boolean {
  if (isNoOperation(request)) return false
  try {
    return isServedAnywhere(router.find(request), request, objects)
  } catch {
    // Refused like any other.
    return true
  }
}

/** What is left of a request when it is over. */
function record(
  incoming: IncomingMessage,
  response: ServerResponse,
  { began, ...entry }: { readonly requestId: string; readonly startedAtMs: number; readonly began: number },
  trace: Trace,
  options: S3HandlerOptions,
): void {
  tellActivity(trace, entry.requestId, response, options.activity)
  const { request, chosen: operation, caller, sourceIp, code, byAcl = false } = trace
  const endedAtMs = options.clock.now()
  const facts = { incoming, response, ...entry, endedAtMs, operation, request, caller, sourceIp, code, byAcl }
  recordAccess({ ...facts, answer: trace.answer }, options.objects)
  options.log.access({
    requestId: entry.requestId,
    traceId: traceIdOf(trace.traceparent),
    operation: trace.operation,
    method: incoming.method ?? '',
    bucket: trace.request?.bucket,
    status: statusOf(response),
    code: trace.code,
    iamId: iamIdOf(trace),
    durationMs: performance.now() - began,
  })
}

const statusOf = (response: ServerResponse): number => (response.headersSent ? response.statusCode : CLIENT_GONE)
const iamIdOf = ({ iamId, caller }: Trace): string | undefined => iamId ?? caller?.principal.iamId

/** To whoever makes spans. */
function tell(traced: Traced, trace: Trace, response: ServerResponse): void {
  const { operation, code, request, sourceIp, handedOver = false } = trace
  tracedAnswer(traced, { operation, status: statusOf(response), code })
  const { attributes } = traced
  if (handedOver) attributes['coffer.handed_over'] = true
  if (request?.bucket !== undefined) attributes['aws.s3.bucket'] = request.bucket
  if (sourceIp !== undefined) attributes['client.address'] = sourceIp
  const iamId = iamIdOf(trace)
  if (iamId !== undefined) attributes['user.id'] = iamId
}

function answer(
  response: ServerResponse,
  reply: S3Reply,
  bodyless: boolean,
  trace: Trace,
  { clock, objects }: S3HandlerOptions,
): Promise<void> {
  trace.answer.readyAtMs = clock.now()
  const wanted = () => isLogged(trace.request, objects)
  return send(response, counted(reply, trace.answer, bodyless, wanted), bodyless, trace.headers)
}

interface Performed {
  readonly operation: S3Operation
  readonly request: S3Request
  readonly caller: Caller
}

/** authorise → prepare → run */
async function perform(
  { operation, request, caller }: Performed,
  trace: Trace,
  options: S3HandlerOptions,
): Promise<S3Reply> {
  const { sourceIp, traceparent } = trace
  trace.operation = operation.name
  trace.chosen = operation
  trace.tracked = trackedUses(operation, request, request.key ?? caller.form?.key, options.objects)
  if (trace.tracked.length > 0) options.activity.ready()
  const authorisation = await authoriseRequest({ operation, request, caller, sourceIp }, options)
  const { reason, byAcl } = authorisation
  trace.reason = reason
  trace.byAcl = byAcl
  const run = operation.prepare(request)
  const asker: Asker = {
    ...{ iamId: caller.principal.iamId, action: `s3.${operation.name}`, reason, requestId: request.id },
    ...(sourceIp === undefined ? {} : { sourceIp }),
    ...(traceparent === undefined ? {} : { traceparent }),
  }
  return await run(context(request, caller, asker, authorisation, options)).catch(async (error: unknown) => {
    throw await authorisation.told(error)
  })
}

/** What a request came to, when it came to nothing. */
function note(error: unknown, trace: Trace, requestId: string, { log }: S3HandlerOptions): void {
  const face = s3Face(error)
  trace.code = face.code
  if (error instanceof Refusal) trace.reason = error.reason
  if (isFault(face)) log.fault({ requestId, operation: trace.operation }, error)
}

function addressOf(
  { socket: { remoteAddress } }: IncomingMessage,
  { headers }: S3Request,
  { clientAddress }: S3HandlerOptions,
): string | undefined {
  return clientAddress({ header: (name) => headers.get(name), remoteAddress })
}

/** Of a refused caller too, when it is known who it is: somebody who is not known asks for many things. */
function tellActivity(trace: Trace, requestId: string, response: ServerResponse, activity: ActivityTrail): void {
  const { tracked, caller, sourceIp, reason } = trace
  const failed = trace.code ?? (response.headersSent ? undefined : 'ClientGone')
  // An answer like any other.
  const code = failed === 'NotModified' ? undefined : failed
  if (code !== undefined && caller?.principal.type === 'anonymous') return
  for (const use of tracked) {
    activity.record({
      ...use,
      ...(code === undefined ? { outcome: 'success' } : { outcome: 'failure', code }),
      ...(reason === undefined ? {} : { reason }),
      ...(caller === undefined ? {} : { iamId: caller.principal.iamId }),
      requestId,
      ...(sourceIp === undefined ? {} : { sourceIp }),
    })
  }
}

const connection = ({ socket }: IncomingMessage, { domains, websiteDomains }: S3HandlerOptions) => ({
  ...{ domains, websiteDomains },
  secure: 'encrypted' in socket,
})

/** The body, asked for only when somebody reads it: `Expect: 100-continue` is answered after the caller is known. */
function body(
  incoming: IncomingMessage,
  response: ServerResponse,
  trace: { bodyAsked: boolean; readonly answer: Answer },
  { clock }: Pick<S3HandlerOptions, 'clock'>,
): AsyncIterable<Buffer> {
  const ended = (): void => {
    trace.answer.askedAtMs = clock.now()
  }
  return {
    [Symbol.asyncIterator]: () => {
      trace.bodyAsked = true
      if (awaitsContinue(incoming)) response.writeContinue()
      return progressing(readBytes(incoming), undefined, ended)
    },
  }
}

/** RFC 9110: 100-continue is the only expectation that there is, and HTTP/1.0 has none. S3 serves whoever expects something else. */
function awaitsContinue({ headers: { expect }, httpVersion }: IncomingMessage): boolean {
  return expect !== undefined && httpVersion !== '1.0' && /^100-continue$/i.test(expect)
}

function context(
  request: S3Request,
  caller: Caller,
  asker: Asker,
  { may, require, guarded }: Authorisation,
  { objects, iam, identities, settings }: S3HandlerOptions,
): OperationContext {
  return {
    ...caller,
    ...keyAccess(caller.principal, iam),
    request,
    objects: guarded(objects.onBehalfOf(asker)),
    settings,
    accounts: accountDirectory(iam),
    isWalled: (bucket) => keepsOutReplication(objects.configurationOf(bucket).firewall),
    mandate: () => (caller.principal.type === 'anonymous' ? undefined : iam.mandates.of(caller.principal)),
    identities,
    may,
    require,
  }
}

async function refuse(
  incoming: IncomingMessage,
  response: ServerResponse,
  error: S3Error,
  { requestId, trace }: { readonly requestId: string; readonly trace: Trace },
  options: S3HandlerOptions,
): Promise<void> {
  const { bodyAsked, request } = trace
  const rest = !incoming.complete && (incoming.headers['content-length'] ?? '0') !== '0'
  const unread = rest || (!incoming.complete && incoming.headers['transfer-encoding'] !== undefined)
  if (unread) response.setHeader('connection', 'close')
  const resource = (incoming.url ?? '/').split('?', 1)[0] ?? '/'
  const isPage = request?.website && error.status >= 400
  const reply = isPage ? pageOfError(error, requestId) : errorReply(error, resource, requestId)
  // A client that still waits for 100 Continue sends nothing that would have to be read.
  const awaited = unread && (bodyAsked || !awaitsContinue(incoming))
  const whole = awaited ? lingering(reply, incoming) : reply
  await answer(response, whole, incoming.method === 'HEAD', trace, options)
}
