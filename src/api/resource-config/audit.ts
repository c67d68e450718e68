import { bucketCrn } from '../../objects/deregistrations.ts'
import type { Objects } from '../../objects/objects.ts'
import type { Activity, ActivityTrail } from '../common/activity.ts'
import { callFacts, failureFacts } from '../common/call-facts.ts'
import type { ClientAddress } from '../common/client-address.ts'
import type { Call, CallAudit } from '../common/json-operation.ts'

export interface ConfigAuditOptions {
  readonly objects: Pick<Objects, 'buckets' | 'configurationOf'>
  readonly activity: ActivityTrail
  readonly clientAddress: ClientAddress
}

/**
 * Every change, done or refused, is recorded whatever the bucket asks for: it says who is let in and what is recorded at
 * all. Reading is, where the bucket asks for management events.
 */
export function configAudit({ objects, activity, clientAddress }: ConfigAuditOptions): CallAudit {
  const bucketOf = ({ request }: Call) => objects.buckets.find(request.param('bucket'))
  const isRecorded = (call: Call): boolean => {
    if (call.operation.method === 'PATCH') return true
    const bucket = bucketOf(call)
    return bucket !== undefined && objects.configurationOf(bucket).activityTracking?.managementEvents === true
  }
  const eventOf = (call: Call): Omit<Activity, 'outcome'> => {
    const { request, operation } = call
    const bucket = bucketOf(call)
    return {
      action: `cos.${operation.name}`,
      target: bucket ? bucketCrn(bucket) : request.rawPath,
      ...callFacts(call, clientAddress),
    }
  }
  return {
    begin: (call) => {
      if (isRecorded(call)) activity.ready()
    },
    ended: async (call) => {
      if (!isRecorded(call)) return
      activity.record({ ...eventOf(call), outcome: 'success' })
      if (call.operation.method === 'PATCH') await activity.settled()
    },
    failed: (call, error) => {
      // Somebody who is not known asks for many things.
      if (call.context === undefined || !isRecorded(call)) return
      activity.record({ ...eventOf(call), outcome: 'failure', ...failureFacts(error) })
    },
  }
}
