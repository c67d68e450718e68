import { formatCrn } from '../../base/crn.ts'
import type { CreatedApiKey } from '../../iam/api-key-management.ts'
import type { ServiceId } from '../../iam/service-ids.ts'
import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import { writeApiKey } from './api-key-wire.ts'
import { contextOf } from './entity-protocol.ts'
import { entityTag, wantsHistory, writeLife } from './entity-wire.ts'
import type { ServiceIdAnswer } from './reply-schemas.ts'

export function writeServiceId(serviceId: ServiceId, request: ApiRequest): ServiceIdAnswer {
  const { id, iamId, accountId, name, description, uniqueInstanceCrns, locked, life } = serviceId
  return {
    id,
    iam_id: iamId,
    crn: serviceIdCrn(accountId, id),
    account_id: accountId,
    name,
    ...(description === undefined ? {} : { description }),
    ...(uniqueInstanceCrns === undefined ? {} : { unique_instance_crns: uniqueInstanceCrns }),
    locked,
    ...writeLife(life, id, wantsHistory(request)),
  }
}

export const serviceIdCrn = (account: string, id: string): string =>
  formatCrn({ service: 'iam-identity', region: '', account, instance: '', resourceType: 'serviceid', resource: id })

export function serviceIdReply(
  status: number,
  serviceId: ServiceId,
  request: ApiRequest,
  created?: CreatedApiKey,
): Reply {
  const apikey = created ? { apikey: writeApiKey(created.apiKey, request, created.value) } : {}
  const body = { context: contextOf(request), ...writeServiceId(serviceId, request), ...apikey }
  return json(status, body, { ETag: entityTag(serviceId.life, serviceId.id) })
}
