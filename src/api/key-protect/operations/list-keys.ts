import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { collection } from '../envelope.ts'
import { keyResource } from '../key-resource.ts'
import { keyFilterQuery, pageQuery } from '../query.ts'

export const listKeys = defineOperation({
  name: 'GetKeys',
  method: 'GET',
  path: '/api/v2/keys',
  action: 'kms.secrets.list',
  body: noBody,
  run: async ({ request }, { kms, caller }) => {
    const { items } = kms.listKeys(caller, keyFilterQuery(request), pageQuery(request))
    return json(
      200,
      collection(
        'key',
        items.map((key) => keyResource(key)),
      ),
    )
  },
})
