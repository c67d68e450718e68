import { noBody } from '../../common/json-operation.ts'
import { defineOperation } from '../context.ts'
import { protocolError } from '../errors.ts'

/** `POST /keys/{id}` without an action, or with one that Key Protect does not have. */
export const unknownAction = defineOperation({
  name: 'ActionOnKey',
  method: 'POST',
  path: '/api/v2/keys/:id',
  body: noBody,
  run: async () => {
    throw protocolError('InvalidQuery', 'the query parameter action names no action on keys', { field: 'action' })
  },
})
