import { decodeJwt } from 'jose'
import { hasCode } from '../../base/errors.ts'
import { plainAddress } from '../../base/networks.ts'
import type { IamAudit, IamAuditEvent } from '../../iam/audit.ts'
import type { Call, CallAudit } from '../common/json-operation.ts'
import type { Reply } from '../common/reply.ts'

/**
 * Every call that changes something or asks for a token is recorded, whatever comes of it; one that only reads, when it is
 * refused. A change is answered when its record is durable.
 */
export function callAudit(audit: IamAudit): CallAudit {
  return {
    begin: ({ operation }) => {
      if (operation.method !== 'GET' && operation.method !== 'HEAD') audit.ready()
    },
    ended: async (call, reply) => {
      if (isRead(call)) return
      audit.record({ ...eventOf(call), ...made(reply), outcome: 'success' })
      // Whoever got a token has only been told who he is: that may be recorded a moment later.
      if (!isToken(reply)) await audit.settled()
    },
    failed: (call, error) => {
      // Somebody who is not known asks for many things.
      if (isRead(call) && !hasCode(error, 'NotPermitted', 'Unauthorized')) return
      audit.record({ ...eventOf(call), outcome: 'failure', ...failure(error) })
    },
  }
}

const isRead = ({ operation: { method } }: Call): boolean => method === 'GET' || method === 'HEAD'

function eventOf({ operation, request, context }: Call): Omit<IamAuditEvent, 'outcome'> {
  const { id, correlationId, remoteAddress } = request
  const sourceIp = remoteAddress === undefined ? undefined : plainAddress(remoteAddress)
  const iamId = iamIdOf(context)
  return {
    action: operation.action ?? `iam.${operation.name}`,
    target: request.rawPath,
    requestId: id,
    ...(correlationId === id ? {} : { correlationId }),
    ...(sourceIp === undefined ? {} : { sourceIp }),
    ...(iamId === undefined ? {} : { iamId }),
  }
}

function iamIdOf(context: unknown): string | undefined {
  const principal = member(context, 'principal')
  return text(member(principal, 'iamId'))
}

function failure(error: unknown): Pick<IamAuditEvent, 'code' | 'reason'> {
  if (!hasCode(error)) return { code: 'Unexpected' }
  // Messages of refusals are ours and quote no input but names.
  return hasCode(error, 'NotPermitted') ? { code: error.code, reason: error.message } : { code: error.code }
}

/** What came of it: the name of what was made or changed, or who the token is of. Its other members may be secrets. */
function made(reply: Reply): Pick<IamAuditEvent, 'target' | 'iamId'> {
  const body = bodyOf(reply)
  const iamId = tokenOf(reply) === undefined ? undefined : text(claimsOf(reply)['iam_id'])
  const target = text(member(body, 'crn')) ?? text(member(body, 'id'))
  return { ...(iamId === undefined ? {} : { iamId }), ...(target === undefined ? {} : { target }) }
}

const isToken = (reply: Reply): boolean => tokenOf(reply) !== undefined
const tokenOf = (reply: Reply): string | undefined => text(member(bodyOf(reply), 'access_token'))

function claimsOf(reply: Reply): Readonly<Record<string, unknown>> {
  try {
    return decodeJwt(tokenOf(reply) ?? '')
  } catch {
    return {}
  }
}

function bodyOf({ body }: Reply): unknown {
  if (typeof body !== 'string') return undefined
  try {
    const parsed: unknown = JSON.parse(body)
    return parsed
  } catch {
    return undefined
  }
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
