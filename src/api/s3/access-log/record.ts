import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Bucket } from '../../../objects/buckets.ts'
import type { Objects } from '../../../objects/objects.ts'
import type { Caller, KeyOutcome, ResourceUse, S3Operation, S3Reply } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { batchLine, type LoggedRequest, type LoggedSender, logLine } from './line.ts'
import { loggedOperation, SOURCE_NAMES } from './operation-name.ts'

export type Logs = Pick<Objects, 'buckets'> & {
  readonly accessLogs: Pick<Objects['accessLogs'], 'target' | 'add'>
}

/** What a request leaves behind for the access logs of its buckets. */
export interface AccessFacts {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  readonly startedAtMs: number
  readonly endedAtMs: number
  readonly operation: S3Operation | undefined
  readonly request: S3Request | undefined
  readonly caller: Caller | undefined
  readonly sourceIp: string | undefined
  readonly code: string | undefined
  /** Only an ACL let the caller in. */
  readonly byAcl: boolean
  readonly answer: Answer
}

/** Of the reply, as far as it went. */
export interface Answer {
  reply?: S3Reply
  sentBytes: number
  /** When its first byte was ready. */
  readyAtMs?: number
  /** When the request's body had been read. */
  askedAtMs?: number
}

/** The reply, with its bytes counted as they go, if somebody wants to know. */
export function counted(reply: S3Reply, answer: Answer, bodyless: boolean, wanted: () => boolean): S3Reply {
  answer.reply = reply
  const { body } = reply
  if (body === undefined || bodyless) return reply
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    // Encoded once, and not for its length here, for its length in the head and when it is written.
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    answer.sentBytes += bytes.length
    return { ...reply, body: bytes }
  }
  if (!wanted()) return reply
  const { from: uncounted, close } = body
  async function* from(sentBytes: number): AsyncGenerator<Buffer> {
    answer.sentBytes = sentBytes
    for await (const chunk of uncounted(sentBytes)) {
      answer.sentBytes += chunk.length
      yield chunk
    }
  }
  return { ...reply, body: { from, close } }
}

/** Does the bucket that a request names have a log? */
export function isLogged(request: S3Request | undefined, { buckets, accessLogs }: Logs): boolean {
  const bucket = request?.bucket === undefined ? undefined : foundBucket(buckets, request.bucket)
  return bucket !== undefined && accessLogs.target(bucket) !== undefined
}

/** In the log of the bucket that a request names, for each key that it names there, and in that of the source of a copy. */
export function recordAccess(facts: AccessFacts, { buckets, accessLogs }: Logs): void {
  const { operation, request, answer, startedAtMs } = facts
  if (request?.bucket === undefined) return
  const own = ownName(operation, request)
  if (own === undefined) return
  const add = (name: string, lines: (bucket: Bucket) => readonly string[]): void => {
    const bucket = foundBucket(buckets, name)
    if (!bucket || !accessLogs.target(bucket)) return
    for (const line of lines(bucket)) accessLogs.add(bucket, line, startedAtMs)
  }
  const key = request.key ?? facts.caller?.form?.key
  add(request.bucket, (bucket) => [
    logLine(logged(facts, bucket, key, own())),
    ...(answer.reply?.outcomes ?? []).map((one) => batchLine(loggedKey(facts, bucket, one))),
  ])
  if (!operation) return
  const source = SOURCE_NAMES[operation.name]
  const use = source === undefined ? undefined : sourceOf(operation, request)
  if (source !== undefined && use) add(use.bucket, (bucket) => [logLine(logged(facts, bucket, use.key, source))])
}

/** Neither a preflight nor a redirect of a website is an operation. Undefined: what was asked for was never found out. */
function ownName(operation: S3Operation | undefined, { method, website }: S3Request): (() => string) | undefined {
  if (method === 'OPTIONS') return () => 'REST.OPTIONS.PREFLIGHT'
  if (!operation) return website ? () => `WEBSITE.${method}.OBJECT` : undefined
  return () => (website ? loggedOperation(operation).replace('REST', 'WEBSITE') : loggedOperation(operation))
}

/** A bucket whose record is damaged has no log: its requests are refused. */
export function foundBucket(buckets: Pick<Objects, 'buckets'>['buckets'], name: string): Bucket | undefined {
  try {
    return buckets.find(name)
  } catch {
    return undefined
  }
}

function sourceOf({ alsoUses }: S3Operation, request: S3Request): ResourceUse | undefined {
  try {
    return alsoUses?.(request)
  } catch {
    return undefined
  }
}

function logged(facts: AccessFacts, bucket: Bucket, key: string | undefined, operation: string): LoggedRequest {
  const { answer, request, response, startedAtMs, endedAtMs } = facts
  const versionId = answer.reply?.headers?.['x-amz-version-id'] ?? request?.query.get('versionId')
  return {
    ...sender(facts, bucket),
    operation,
    key,
    status: response.statusCode,
    errorCode: facts.code,
    bytesSent: answer.sentBytes,
    objectBytes: objectBytes(facts),
    totalMs: endedAtMs - startedAtMs,
    turnAroundMs: (answer.readyAtMs ?? endedAtMs) - (answer.askedAtMs ?? startedAtMs),
    versionId: versionId === undefined ? undefined : String(versionId),
    aclRequired: facts.byAcl,
  }
}

const loggedKey = (facts: AccessFacts, bucket: Bucket, { key, versionId, status, code }: KeyOutcome): LoggedSender => ({
  ...sender(facts, bucket),
  ...{ operation: 'BATCH.DELETE.OBJECT', key, versionId, status, errorCode: code, objectBytes: undefined },
})

const sender = ({ startedAtMs, sourceIp, caller, requestId, incoming, request }: AccessFacts, bucket: Bucket) => ({
  bucketOwner: bucket.ownerId,
  bucket: bucket.name,
  timeMs: startedAtMs,
  remoteIp: sourceIp,
  requester: caller && caller.principal.type !== 'anonymous' ? caller.principal.iamId : undefined,
  requestId,
  incoming,
  signedBy: signedBy(request),
})

/** Of the object that was read, or the body that was stored. */
function objectBytes({ operation, caller, answer, code }: AccessFacts): number | undefined {
  if (code !== undefined) return undefined
  if (operation?.storesBody) return caller?.body.lengthBytes
  if (operation?.name !== 'GetObject' && operation?.name !== 'HeadObject') return undefined
  const range = /\/(\d+)$/.exec(String(answer.reply?.headers?.['content-range'] ?? ''))
  return Number(range?.[1] ?? answer.reply?.headers?.['content-length'])
}

function signedBy(request: S3Request | undefined): LoggedRequest['signedBy'] {
  if (request?.headers.get('authorization')?.startsWith('AWS4-')) return 'AuthHeader'
  return request?.query.has('X-Amz-Signature') ? 'QueryString' : undefined
}
