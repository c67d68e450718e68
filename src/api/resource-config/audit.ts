import { hasCode } from '../../base/errors.ts'
import { bucketCrn } from '../../objects/deregistrations.ts'
import type { Objects } from '../../objects/objects.ts'
import type { Activity, ActivityTrail } from '../common/activity.ts'
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
    const { request, operation, context } = call
    const bucket = bucketOf(call)
    const sourceIp = clientAddress(request)
    return {
      action: `cos.${operation.name}`,
      target: bucket ? bucketCrn(bucket) : request.rawPath,
      requestId: request.id,
      ...(request.correlationId === request.id ? {} : { correlationId: request.correlationId }),
      ...(sourceIp === undefined ? {} : { sourceIp }),
      ...iamIdOf(context),
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
      const failure = hasCode(error) ? { code: error.code } : { code: 'Unexpected' }
      // Messages of refusals are ours and quote no input but names.
      const reason = hasCode(error, 'NotPermitted') ? { reason: error.message } : {}
      activity.record({ ...eventOf(call), outcome: 'failure', ...failure, ...reason })
    },
  }
}

function iamIdOf(context: unknown): { readonly iamId?: string } {
  const principal: unknown = Object(context).principal
  const iamId: unknown = Object(principal).iamId
  return typeof iamId === 'string' ? { iamId } : {}
}
