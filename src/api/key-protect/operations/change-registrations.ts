import { kmsError } from '../../../kms/errors.ts'
import type { Method } from '../../common/json-operation.ts'
import { noBody } from '../../common/json-operation.ts'
import { defineOperation } from '../context.ts'

const CALLS: readonly (readonly [string, Method])[] = [
  ['UpdateRegistration', 'PATCH'],
  ['ReplaceRegistration', 'PUT'],
]

/** Key Protect keeps these calls to its integrated services; object storage makes and ends registrations and never changes one. */
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
