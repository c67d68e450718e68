import type { ApiKey } from '../../../../iam/api-key-management.ts'
import { noBody } from '../../../common/json-operation.ts'
import { writeApiKey } from '../../api-key-wire.ts'
import { requirePermission } from '../../context.ts'
import { type ListQuery, listQuery, pageReply, type Sorting, sorted } from '../../entity-page.ts'
import { type EntityContext, entityOperation, parameterInvalid } from '../../entity-protocol.ts'
import { apiKeysAnswer } from '../../reply-schemas.ts'
import { takesApiKeys } from '../../taken-queries.ts'

const SORTING: Sorting<ApiKey> = {
  created_at: ({ life }) => life.createdAtMs,
  created_by: ({ life }) => life.createdBy,
  name: ({ name }) => name,
  description: ({ description = '' }) => description,
}

/** One's own, those of one identity (`iam_id`), or all of the account (`scope=account`). */
export const listApiKeys = entityOperation({
  name: 'ListApiKeys',
  method: 'GET',
  path: '/v1/apikeys',
  action: 'iam-identity.apikey.get',
  body: noBody,
  takes: takesApiKeys,
  reply: apiKeysAnswer,
  run: async ({ request }, context) => {
    const query = listQuery(request)
    const found = sorted(query, matching(query, context), SORTING)
    return pageReply(request, query, 'apikeys', found, (one) => writeApiKey(one, request))
  },
})

function matching({ parameter }: ListQuery, context: EntityContext): readonly ApiKey[] {
  const { iam, principal } = context
  const accountId = parameter('account_id') ?? principal.accountId
  const scope = oneOf('scope', parameter('scope') ?? 'entity', ['entity', 'account'])
  const type = parameter('type') && oneOf('type', parameter('type') ?? '', ['user', 'serviceid'])
  const iamId = parameter('iam_id') ?? (scope === 'account' ? undefined : principal.iamId)
  if (iamId !== principal.iamId || accountId !== principal.accountId) {
    requirePermission(context, 'iam-identity.apikey.get', accountId)
  }
  const typeOf = (key: ApiKey) => (key.iamId.startsWith('iam-ServiceId-') ? 'serviceid' : 'user')
  return iam.apiKeys
    .list(accountId)
    .filter((key) => (iamId === undefined || key.iamId === iamId) && (!type || typeOf(key) === type))
}

function oneOf(name: string, value: string, values: readonly string[]): string {
  if (!values.includes(value)) throw parameterInvalid(`${name} is one of ${values.join(', ')}`)
  return value
}
