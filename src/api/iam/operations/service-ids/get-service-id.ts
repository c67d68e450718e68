import { noBody } from '../../../common/json-operation.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { oneServiceIdAnswer } from '../../reply-schemas.ts'
import { serviceIdReply } from '../../service-id-wire.ts'
import { findServiceId } from './find-service-id.ts'

export const getServiceId = entityOperation({
  name: 'GetServiceId',
  method: 'GET',
  path: '/v1/serviceids/:id',
  action: 'iam-identity.serviceid.get',
  body: noBody,
  reply: oneServiceIdAnswer,
  run: async ({ request }, context) =>
    serviceIdReply(200, findServiceId(request, context, 'iam-identity.serviceid.get'), request),
})
