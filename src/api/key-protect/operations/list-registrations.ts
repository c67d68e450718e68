import type { RegistrationFilter } from '../../../kms/select-registrations.ts'
import { noBody } from '../../common/json-operation.ts'
import { json, type Reply } from '../../common/reply.ts'
import type { ApiRequest } from '../../common/request.ts'
import { defineOperation, type KeyProtectContext } from '../context.ts'
import { collection } from '../envelope.ts'
import { booleanQuery, pageQuery } from '../query.ts'
import { registrationResource } from '../registration-resource.ts'
import { registrationsReply } from '../reply-schemas.ts'
import { takesRegistrations } from '../taken-queries.ts'

export const listRegistrations = defineOperation({
  name: 'GetRegistrations',
  method: 'GET',
  path: '/api/v2/keys/:id/registrations',
  action: 'kms.registrations.list',
  body: noBody,
  takes: takesRegistrations,
  reply: registrationsReply,
  run: async ({ request }, context) => answer(request, context, request.param('id')),
})

export const listAllRegistrations = defineOperation({
  name: 'GetRegistrationsAllKeys',
  method: 'GET',
  path: '/api/v2/keys/registrations',
  action: 'kms.registrations.list',
  body: noBody,
  takes: takesRegistrations,
  reply: registrationsReply,
  run: async ({ request }, context) => answer(request, context, undefined),
})

function answer(request: ApiRequest, { kms, caller }: KeyProtectContext, key: string | undefined): Reply {
  const { items, totalCount } = kms.listRegistrations(caller, key, filterQuery(request), pageQuery(request))
  const metadata = booleanQuery(request, 'totalCount') ? { totalCount } : {}
  return json(200, collection('registration', items.map(registrationResource), metadata))
}

function filterQuery(request: ApiRequest): RegistrationFilter {
  const query = request.query.get('urlEncodedResourceCRNQuery')
  const preventKeyDeletion = booleanQuery(request, 'preventKeyDeletion')
  return {
    ...(query ? { resourceCrnQuery: decodedOnce(query) } : {}),
    ...(preventKeyDeletion === undefined ? {} : { preventKeyDeletion }),
  }
}

/** Key Protect: users often encode the value that their client encodes again. */
function decodedOnce(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
