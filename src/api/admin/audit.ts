import { hasCode } from '../../base/errors.ts'
import { bucketCrn } from '../../objects/deregistrations.ts'
import type { Objects } from '../../objects/objects.ts'
import type { Activity, ActivityTrail } from '../common/activity.ts'
import { callFacts, failureFacts } from '../common/call-facts.ts'
import type { ClientAddress } from '../common/client-address.ts'
import type { Call, CallAudit } from '../common/json-operation.ts'

export interface AdminAuditOptions {
  readonly objects: Pick<Objects, 'buckets'>
  readonly activity: ActivityTrail
  readonly clientAddress: ClientAddress
}

/** Every change, done or refused, whatever the bucket asks for; a call that only reads, when it is refused to somebody known. */
export function adminAudit({ objects, activity, clientAddress }: AdminAuditOptions): CallAudit {
  const eventOf = (call: Call): Omit<Activity, 'outcome'> => {
    const name = /^\/admin\/v1\/buckets\/([^/]+)/.exec(call.request.rawPath)?.[1]
    const bucket = name === undefined ? undefined : objects.buckets.find(name)
    return {
      action: `admin.${call.operation.name}`,
      target: bucket ? bucketCrn(bucket) : call.request.rawPath,
      ...Object(Object(call.context).about),
      ...callFacts(call, clientAddress),
    }
  }
  return {
    begin: (call) => {
      if (!isRead(call)) activity.ready()
    },
    ended: async (call) => {
      if (isRead(call)) return
      activity.record({ ...eventOf(call), outcome: 'success' })
      await activity.settled()
    },
    failed: (call, error) => {
      // Somebody who is not known asks for many things.
      if (isRead(call) && !hasCode(error, 'NotPermitted')) return
      activity.record({ ...eventOf(call), outcome: 'failure', ...failureFacts(error) })
    },
  }
}

const isRead = ({ operation: { method, isQuestion } }: Call): boolean =>
  method === 'GET' || method === 'HEAD' || isQuestion === true
