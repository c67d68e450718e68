import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { defineOperation } from '../context.ts'
import { collection } from '../envelope.ts'
import { versionResource } from '../key-resource.ts'
import { booleanQuery, pageQuery } from '../query.ts'
import { keyVersionsReply } from '../reply-schemas.ts'
import { takesVersions } from '../taken-queries.ts'

export const listKeyVersions = defineOperation({
  name: 'GetKeyVersions',
  method: 'GET',
  path: '/api/v2/keys/:id/versions',
  action: 'kms.secrets-key-versions.list',
  body: noBody,
  takes: takesVersions,
  reply: keyVersionsReply,
  run: async ({ request }, { kms, caller }) => {
    const { items, totalCount } = kms.listKeyVersions(caller, request.param('id'), pageQuery(request), {
      allKeyStates: booleanQuery(request, 'allKeyStates') ?? false,
    })
    const metadata = booleanQuery(request, 'totalCount') ? { totalCount } : {}
    return json(200, collection('key.version', items.map(versionResource), metadata))
  },
})
