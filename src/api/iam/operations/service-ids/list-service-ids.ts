import { CodedError } from '../../../../base/errors.ts'
import type { ServiceId } from '../../../../iam/service-ids.ts'
import { noBody } from '../../../common/json-operation.ts'
import { requirePermission } from '../../context.ts'
import { listQuery, pageReply, type Sorting, sorted } from '../../entity-page.ts'
import { type EntityErrorCode, entityOperation } from '../../entity-protocol.ts'
import { serviceIdsAnswer } from '../../reply-schemas.ts'
import { writeServiceId } from '../../service-id-wire.ts'
import { takesEntities } from '../../taken-queries.ts'

const SORTING: Sorting<ServiceId> = {
  created_at: ({ life }) => life.createdAtMs,
  modified_at: ({ life }) => life.modifiedAtMs,
  name: ({ name }) => name,
  description: ({ description = '' }) => description,
}

const listServiceIdsAt = (name: string, path: string) =>
  entityOperation({
    name,
    method: 'GET',
    path,
    action: 'iam-identity.serviceid.get',
    body: noBody,
    takes: takesEntities,
    reply: serviceIdsAnswer,
    run: async ({ request }, context) => {
      const query = listQuery(request)
      const accountId = query.parameter('account_id')
      if (!accountId) throw new CodedError<EntityErrorCode>('ParameterMissing', 'account_id is required')
      requirePermission(context, 'iam-identity.serviceid.get', accountId)
      const wanted = query.parameter('name')
      const found = context.iam.serviceIds.list(accountId).filter((one) => wanted === undefined || one.name === wanted)
      return pageReply(request, query, 'serviceids', sorted(query, found, SORTING), (one) =>
        writeServiceId(one, request),
      )
    },
  })

/** IBM's client sends the path with a slash at its end. */
export const listServiceIds = listServiceIdsAt('ListServiceIds', '/v1/serviceids/')
export const listServiceIdsWithoutSlash = listServiceIdsAt('ListServiceIdsWithoutSlash', '/v1/serviceids')
