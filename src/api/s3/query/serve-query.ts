import type { Clock } from '../../../base/clock.ts'
import { hasCode } from '../../../base/errors.ts'
import { collect, type StreamErrorCode } from '../../../base/streams.ts'
import type { IamAudit } from '../../../iam/audit.ts'
import type { Throttle } from '../../common/throttle.ts'
import { type AuthenticationOptions, authenticateCall } from '../authenticate.ts'
import type { S3Reply } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { isRefusedSignIn } from '../sign-in.ts'
import { xml } from '../xml/encode.ts'
import { authoriseCall, refused } from './authorise-call.ts'
import { QUERY_OPERATIONS } from './operations.ts'
import { QueryError, queryErrorReply, queryFace } from './query-error.ts'
import type { OpenOperation, QueryCall, QueryForm, QueryIam, QueryOperation } from './query-operation.ts'
import { readForm } from './read-form.ts'
import { ASSUME_ROLE_WITH_WEB_IDENTITY } from './web-identity.ts'

const API = {
  iam: { version: '2010-05-08', namespace: 'https://iam.amazonaws.com/doc/2010-05-08/' },
  sts: { version: '2011-06-15', namespace: 'https://sts.amazonaws.com/doc/2011-06-15/' },
} as const

const OPERATIONS = new Map(QUERY_OPERATIONS.map((one) => [one.name, one]))

export interface QueryOptions {
  readonly iam: QueryIam & AuthenticationOptions['iam'] & { readonly audit: IamAudit }
  readonly clock: Clock
  readonly settings: { readonly region: string }
  readonly throttle: Throttle
}

export interface Served {
  readonly reply: S3Reply
  readonly operation: string
  /** Of the caller. */
  readonly iamId?: string
  readonly code?: string
  /** One of ours. */
  readonly fault?: unknown
}

/** A document of policy may have 131,072 characters, each of which may take three. */
const MAX_BODY_BYTES = 512 * 1024

export type QueryServer = (
  request: S3Request,
  body: AsyncIterable<Buffer>,
  sourceIp: string | undefined,
) => Promise<Served>

/** The life of a call: read → authenticate → authorise → run. Everything that changes something is recorded. */
export const createQueryServer =
  (options: QueryOptions): QueryServer =>
  (request, body, sourceIp) =>
    serve(request, body, sourceIp, options)

interface Known {
  operation?: QueryOperation | OpenOperation
  changes?: boolean
  iamId?: string
  resource?: string
  reason?: string
}

async function serve(
  request: S3Request,
  raw: AsyncIterable<Buffer>,
  sourceIp: string | undefined,
  options: QueryOptions,
): Promise<Served> {
  const { audit } = options.iam
  const known: Known = {}
  const told = () => ({
    action: `${known.operation?.api ?? 'iam'}.aws.${known.operation?.name ?? 'Unknown'}`,
    ...(known.iamId === undefined ? {} : { iamId: known.iamId }),
    ...(known.resource === undefined ? {} : { target: known.resource }),
    ...(known.reason === undefined ? {} : { reason: known.reason }),
    requestId: request.id,
    ...(sourceIp === undefined ? {} : { sourceIp }),
  })
  const who = () => (known.iamId === undefined ? {} : { iamId: known.iamId })
  try {
    const body = await collect(raw, MAX_BODY_BYTES).catch(tooLong)
    const run = await admit({ request, body, sourceIp }, known, options)
    if (known.changes) audit.ready()
    const result = await run()
    if (known.changes) {
      audit.record({ ...told(), outcome: 'success' })
      await audit.settled()
    }
    const { operation } = known
    if (!operation) throw new Error('a call was made of no operation')
    return { reply: answerOf(operation, result, request.id), operation: operation.name, ...who() }
  } catch (caught) {
    if (isRefusedSignIn(caught)) options.throttle.refused(sourceIp)
    const { error, fault } = queryFace(caught)
    // Somebody who is not known asks for many things.
    const isTold = known.iamId !== undefined && (known.changes || error.code === 'AccessDenied')
    if (isTold) audit.record({ ...told(), outcome: 'failure', code: error.code })
    return {
      reply: queryErrorReply(error, API[known.operation?.api ?? 'iam'].namespace, request.id),
      operation: known.operation?.name ?? 'Unknown',
      ...who(),
      code: error.code,
      ...(fault ? { fault: caught } : {}),
    }
  }
}

interface Received {
  readonly request: S3Request
  readonly body: Buffer
  readonly sourceIp: string | undefined
}

type Run = () => QueryResult | Promise<QueryResult>

/** Who calls, for what, and whether they may. `known` is told of it as far as it came. */
async function admit({ request, body, sourceIp }: Received, known: Known, options: QueryOptions): Promise<Run> {
  const { iam, clock, settings, throttle } = options
  // Each of these calls says who it is from.
  throttle.signIn(sourceIp)
  const isSigned = request.headers.has('authorization')
  const credential = isSigned ? await authenticateCall(request, body, options) : undefined
  if (credential) {
    throttle.request(credential.principal, sourceIp)
    known.iamId = credential.principal.iamId
  }
  const form = readForm(body)
  const open = openOperationOf(form)
  if (open) {
    known.operation = open
    // Whoever has signed it: what the call brings says who it is from.
    delete known.iamId
    const call = { form, iam, nowMs: clock.now(), request, sourceIp, region: settings.region }
    const { iamId, resource, allowed, reason, run } = await open.admit(call)
    Object.assign(known, { iamId, resource, reason, changes: true })
    if (!allowed) throw new QueryError(403, 'AccessDenied', `Not authorized to perform ${open.api}:${open.name}`)
    return run
  }
  if (!credential) {
    throw new QueryError(403, 'MissingAuthenticationToken', 'Request is missing Authentication Token')
  }
  const { principal } = credential
  const operation = operationOf(form)
  known.operation = operation
  known.changes = operation.changes === true
  const call: QueryCall = { form, principal, credential, accountId: principal.accountId, iam, nowMs: clock.now() }
  known.resource = operation.resource(call)
  const asked = { request, call, operation, resource: known.resource, sourceIp, region: settings.region }
  const { allowed, reason } = authoriseCall(asked)
  known.reason = reason
  if (!allowed) throw refused(asked)
  return () => operation.run(call)
}

function tooLong(error: unknown): never {
  if (!hasCode<StreamErrorCode>(error, 'StreamTooLong')) throw error
  throw new QueryError(413, 'RequestEntityTooLarge', `The body must have at most ${MAX_BODY_BYTES} bytes.`)
}

function operationOf(form: QueryForm): QueryOperation {
  const action = form.require('Action')
  const operation = OPERATIONS.get(action)
  if (!operation || form.require('Version') !== API[operation.api].version) {
    throw new QueryError(400, 'InvalidAction', `Could not find operation ${action.slice(0, 128)} of this version.`)
  }
  checkParameters(operation, form)
  return operation
}

/** Undefined: it is another one, which has to be signed. */
function openOperationOf(form: QueryForm): OpenOperation | undefined {
  const operation = ASSUME_ROLE_WITH_WEB_IDENTITY
  if (form.get('Action') !== operation.name || form.get('Version') !== API[operation.api].version) return undefined
  checkParameters(operation, form)
  return operation
}

/** What would have to act and does not is refused, not taken silently. */
function checkParameters({ takes }: Pick<QueryOperation, 'takes'>, form: QueryForm): void {
  const taken = ['Action', 'Version', ...takes]
  const unknown = form.names.find((name) => !taken.includes(name.replace(/\.[1-9]\d*(?=\.|$)/g, '.N')))
  if (unknown === undefined) return
  throw new QueryError(400, 'InvalidParameterValue', `The parameter ${unknown.slice(0, 128)} is not supported.`)
}

function answerOf(
  { name, api }: Pick<QueryOperation, 'name' | 'api'>,
  result: QueryResult,
  requestId: string,
): S3Reply {
  const content = {
    ...(result === undefined ? {} : { [`${name}Result`]: result }),
    ResponseMetadata: { RequestId: requestId },
  }
  const body = xml(`${name}Response`, content, { namespace: API[api].namespace })
  return { status: 200, headers: { 'content-type': 'text/xml' }, body }
}

type QueryResult = Awaited<ReturnType<QueryOperation['run']>>
