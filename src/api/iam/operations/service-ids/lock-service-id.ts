import { noBody } from '../../../common/json-operation.ts'
import { empty } from '../../../common/reply.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { findServiceId } from './find-service-id.ts'

const lock = (name: string, method: 'POST' | 'DELETE', locked: boolean) =>
  entityOperation({
    name,
    method,
    path: '/v1/serviceids/:id/lock',
    action: 'iam-identity.serviceid.update',
    body: noBody,
    run: async ({ request }, context) => {
      const { accountId, id } = findServiceId(request, context, 'iam-identity.serviceid.update')
      await context.iam.serviceIds.setLocked(accountId, id, locked, context.principal)
      return empty(204)
    },
  })

/** It cannot be changed or deleted any more, and works as before: so it is with IBM. */
export const lockServiceId = lock('LockServiceId', 'POST', true)
export const unlockServiceId = lock('UnlockServiceId', 'DELETE', false)
