import { decodeJwt } from 'jose'
import { hasCode } from '../../base/errors.ts'
import type { IamAudit, IamAuditEvent } from '../../iam/audit.ts'
import { callFacts, failureFacts } from '../common/call-facts.ts'
import type { ClientAddress } from '../common/client-address.ts'
import type { Call, CallAudit } from '../common/json-operation.ts'
import type { Reply } from '../common/reply.ts'

/**
 * Every call that changes something or asks for a token is recorded, whatever comes of it; one that only reads, when it is
 * refused. A change is answered when its record is durable.
 */
export function callAudit(audit: IamAudit, clientAddress: ClientAddress): CallAudit {
  const eventOf = (call: Call): Omit<IamAuditEvent, 'outcome'> => ({
    action: call.operation.action ?? `iam.${call.operation.name}`,
    target: call.request.rawPath,
    ...callFacts(call, clientAddress),
  })
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
      audit.record({ ...eventOf(call), outcome: 'failure', ...failureFacts(error) })
    },
  }
}

const isRead = ({ operation: { method } }: Call): boolean => method === 'GET' || method === 'HEAD'

/** What came of it: the name of what was made or changed, or who the token is of. Its other members may be secrets. */
function made(reply: Reply): Pick<IamAuditEvent, 'target' | 'iamId' | 'account'> {
  const body = bodyOf(reply)
  const claims = tokenOf(reply) === undefined ? {} : claimsOf(reply)
  const iamId = text(claims['iam_id'])
  const account = text(member(claims['account'], 'bss'))
  const target = text(member(body, 'crn')) ?? text(member(body, 'id'))
  return {
    ...(iamId === undefined ? {} : { iamId }),
    ...(account === undefined ? {} : { account }),
    ...(target === undefined ? {} : { target }),
  }
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
