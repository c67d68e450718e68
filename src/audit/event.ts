/** One thing that was done, or refused, with a key or a right. What is unknown is left out. */
export interface AuditEvent {
  readonly kind: 'key' | 'data-key' | 'iam'
  /** `kms.secrets.wrap`, `s3.GetObject`, `iam.policy.create`. */
  readonly action: string
  readonly outcome: 'success' | 'failure'
  /** Why it failed. */
  readonly code?: string
  /** What let the caller do it or not: a role, an authorization. */
  readonly reason?: string
  /** Who. */
  readonly iamId?: string
  /** CRN of the service instance that acted for them. */
  readonly service?: string
  /** CRN, id or path of what it was done to. */
  readonly target?: string
  /** Key of the object in the bucket that `target` names. */
  readonly object?: string
  /** CRN of the root key. */
  readonly key?: string
  readonly keyVersion?: string
  readonly use?: string
  readonly dataKey?: string
  readonly requestId?: string
  readonly correlationId?: string
  readonly sourceIp?: string
}

/** Names of all members of an event's line, in the order of RFC 8785. */
const MEMBERS = [
  'action',
  'code',
  'correlationId',
  'dataKey',
  'iamId',
  'key',
  'keyVersion',
  'kind',
  'object',
  'outcome',
  'reason',
  'requestId',
  'seq',
  'service',
  'sourceIp',
  'target',
  'time',
  'type',
  'use',
] as const satisfies readonly (keyof AuditEvent | 'seq' | 'time' | 'type')[]

const PREFIXES = MEMBERS.map((name) => `"${name}":`)

/** Object keys have up to 1024 bytes; what is longer came from a client and says nothing more. */
const MAX_TEXT = 1024

/**
 * The canonical JSON of an event, at a fifth of the cost of sorting its members: each use of a data key passes here.
 */
export function eventBody(event: AuditEvent, seq: number, time: string): string {
  let body = ''
  for (let at = 0; at < MEMBERS.length; at++) {
    const name = MEMBERS[at]
    if (name === undefined) continue
    const value = name === 'seq' ? seq : name === 'time' ? time : name === 'type' ? 'event' : event[name]
    if (value === undefined) continue
    body += `${body === '' ? '{' : ','}${PREFIXES[at]}${typeof value === 'number' ? value : quoted(value)}`
  }
  return `${body}}`
}

const quoted = (text: string): string => JSON.stringify(text.length > MAX_TEXT ? clipped(text) : text.toWellFormed())
const clipped = (text: string): string => `${text.slice(0, MAX_TEXT).toWellFormed()}…`
