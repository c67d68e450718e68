import type { ResourceInstance } from '../../iam/resource-instances.ts'
import { resourceIdOf } from '../../iam/service-plans.ts'
import type { InstanceAnswer, LastOperationAnswer, OperationAnswer } from './reply-schemas.ts'
import { isoTime } from './resource-list.ts'

const OPERATIONS: Readonly<Record<string, OperationAnswer>> = {
  CREATE: { type: 'create' },
  UPDATE: { type: 'update', sub_type: 'config' },
  LOCK: { type: 'lock' },
  UNLOCK: { type: 'unlock' },
  DELETE: { type: 'delete' },
}

/** Everything is done when it is answered. */
const done = (operation: OperationAnswer): LastOperationAnswer => ({
  ...operation,
  state: 'succeeded',
  async: false,
  description: 'Completed',
  cancelable: false,
  poll: false,
})

export function writeResourceInstance(instance: ResourceInstance): InstanceAnswer {
  const { crn, guid, service, region, accountId, name, details, removedAtMs, removedBy } = instance
  const { life, planId, resourceGroupId, locked, onetimeCredentials, allowCleanup } = details
  const last = OPERATIONS[life.history.at(-1)?.action ?? '']
  const url = `/v2/resource_instances/${guid}`
  return {
    id: crn,
    guid,
    url,
    crn,
    name,
    account_id: accountId,
    resource_id: resourceIdOf(service),
    resource_plan_id: planId,
    resource_group_id: resourceGroupId,
    target_crn: `crn:v1:bluemix:public:globalcatalog::::deployment:${planId}%3A${region}`,
    region_id: region,
    type: 'service_instance',
    state: removedAtMs === undefined ? 'active' : 'removed',
    locked,
    onetime_credentials: onetimeCredentials,
    allow_cleanup: allowCleanup,
    migrated: false,
    resource_keys_url: `${url}/resource_keys`,
    created_at: life.createdAtMs === 0 ? null : isoTime(life.createdAtMs),
    created_by: life.createdBy,
    updated_at: life.modifiedAtMs === 0 ? null : isoTime(life.modifiedAtMs),
    updated_by: life.history.at(-1)?.iamId ?? '',
    deleted_at: removedAtMs === undefined ? null : isoTime(removedAtMs),
    deleted_by: removedBy ?? '',
    ...(last ? { last_operation: done(last) } : {}),
    plan_history: life.createdAtMs === 0 ? [] : [{ resource_plan_id: planId, start_date: isoTime(life.createdAtMs) }],
  }
}
