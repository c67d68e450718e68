import { noBody } from '../../common/json-operation.ts'
import { empty } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { keyFilterQuery } from '../query.ts'
import { takesKeyFilter } from '../taken-queries.ts'

export const countKeys = defineOperation({
  name: 'GetKeyCollectionMetadata',
  method: 'HEAD',
  path: '/api/v2/keys',
  action: 'kms.secrets.head',
  body: noBody,
  takes: takesKeyFilter,
  run: async ({ request }, { kms, caller }) => {
    return empty(200, { 'Key-Total': String(kms.countKeys(caller, keyFilterQuery(request))) })
  },
})
