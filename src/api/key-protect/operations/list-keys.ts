import type { KeyQuery } from '../../../kms/find-keys.ts'
import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import type { ApiRequest } from '../../common/request.ts'
import { defineOperation } from '../context.ts'
import { collection } from '../envelope.ts'
import { keyResource } from '../key-resource.ts'
import { keyFilterQuery, pageQuery } from '../query.ts'
import { keysReply } from '../reply-schemas.ts'
import { parseSearch, parseSort, searchResource } from '../search-query.ts'
import { takesKeys } from '../taken-queries.ts'

export const listKeys = defineOperation({
  name: 'GetKeys',
  method: 'GET',
  path: '/api/v2/keys',
  action: 'kms.secrets.list',
  body: noBody,
  takes: takesKeys,
  reply: keysReply,
  run: async ({ request }, { kms, caller }) => {
    const query = keyQuery(request)
    const { items, incomplete } = kms.listKeys(caller, query, pageQuery(request))
    const metadata = {
      ...(incomplete && { incompleteSearch: true }),
      ...(query.search && { searchQuery: searchResource(query.search) }),
    }
    const resources = items.map((key) => keyResource(key))
    return json(200, collection('key', resources, metadata))
  },
})

function keyQuery(request: ApiRequest): KeyQuery {
  const search = parseSearch(request.query.get('search') ?? '')
  const sort = request.query.get('sort')
  return {
    ...keyFilterQuery(request),
    ...(search ? { search } : {}),
    ...(sort ? { sort: parseSort(sort) } : {}),
  }
}
