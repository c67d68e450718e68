/** One thing that was done, or refused, with a key or a right. What is unknown is left out. */
export interface AuditEvent {
  readonly kind: 'key' | 'data-key' | 'iam' | 'activity'
  /** Id of the account that the caller is of, where the target does not say whose it is. */
  readonly account?: string | undefined
  /** `kms.secrets.wrap`, `s3.GetObject`, `iam.policy.create`. */
  readonly action: string
  readonly outcome: 'success' | 'failure'
  /** Why it failed. */
  readonly code?: string | undefined
  /** What let the caller do it or not: a role, an authorization. */
  readonly reason?: string | undefined
  /** Who. */
  readonly iamId?: string | undefined
  /** CRN of the service instance that acted for them. */
  readonly service?: string | undefined
  /** CRN, id or path of what it was done to. */
  readonly target?: string | undefined
  /** Key of the object in the bucket that `target` names. */
  readonly object?: string | undefined
  /** CRN of the root key. */
  readonly key?: string | undefined
  readonly keyVersion?: string | undefined
  readonly use?: string | undefined
  /** Why it was done, in the words of whoever did it. */
  readonly why?: string | undefined
  readonly dataKey?: string | undefined
  readonly requestId?: string | undefined
  readonly correlationId?: string | undefined
  readonly sourceIp?: string | undefined
}

/** Object keys have up to 1024 bytes; what is longer came from a client and says nothing more. */
const MAX_TEXT = 1024

/**
 * The canonical JSON of an event. Its members stand here in the order of RFC 8785, because sorting them costs several times
 * as much, and each use of a data key passes here.
 */
export function eventBody(event: AuditEvent, seq: number, time: string): string {
  return JSON.stringify({
    account: clipped(event.account),
    action: clipped(event.action),
    code: clipped(event.code),
    correlationId: clipped(event.correlationId),
    dataKey: clipped(event.dataKey),
    iamId: clipped(event.iamId),
    key: clipped(event.key),
    keyVersion: clipped(event.keyVersion),
    kind: event.kind,
    object: clipped(event.object),
    outcome: event.outcome,
    reason: clipped(event.reason),
    requestId: clipped(event.requestId),
    seq,
    service: clipped(event.service),
    sourceIp: clipped(event.sourceIp),
    target: clipped(event.target),
    time,
    type: 'event',
    use: clipped(event.use),
    why: clipped(event.why),
  })
}

function clipped(text: string | undefined): string | undefined {
  if (text === undefined || text.length <= MAX_TEXT) return text?.toWellFormed()
  return `${text.slice(0, MAX_TEXT).toWellFormed()}…`
}
