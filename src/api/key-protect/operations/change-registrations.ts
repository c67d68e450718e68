import { kmsError } from '../../../kms/errors.ts'
import type { Method } from '../../common/json-operation.ts'
import { noBody } from '../../common/json-operation.ts'
import { defineOperation } from '../context.ts'

const CALLS: readonly (readonly [string, Method])[] = [
  ['CreateRegistration', 'POST'],
  ['UpdateRegistration', 'PATCH'],
  ['ReplaceRegistration', 'PUT'],
  ['DeleteRegistration', 'DELETE'],
]

/** Key Protect keeps these calls to its integrated services, which reach this server's keys inside the process. */
export const changeRegistrations = CALLS.map(([name, method]) =>
  defineOperation({
    name,
    method,
    path: '/api/v2/keys/:id/registrations/:resourceCrn',
    body: noBody,
    run: async () => {
      throw kmsError('ServiceOnly', 'registrations are made by services')
    },
  }),
)
