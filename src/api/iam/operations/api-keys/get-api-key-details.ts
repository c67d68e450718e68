import { CodedError } from '../../../../base/errors.ts'
import { notFound } from '../../../../iam/entity-life.ts'
import { noBody } from '../../../common/json-operation.ts'
import { apiKeyReply } from '../../api-key-wire.ts'
import { requireApiKeyAccess } from '../../entity-access.ts'
import { type EntityErrorCode, entityOperation } from '../../entity-protocol.ts'
import { oneApiKeyAnswer } from '../../reply-schemas.ts'

/** By the key itself, in a header of its own: it is in no path, no query and no log. */
export const getApiKeyDetails = entityOperation({
  name: 'GetApiKeyDetails',
  method: 'GET',
  path: '/v1/apikeys/details',
  action: 'iam-identity.apikey.get',
  body: noBody,
  reply: oneApiKeyAnswer,
  run: async ({ request }, context) => {
    const value = request.header('iam-apikey')
    if (!value) throw new CodedError<EntityErrorCode>('ParameterMissing', 'the header IAM-ApiKey is required')
    const key = context.iam.apiKeys.findByValue(value)
    if (!key) throw notFound('API key')
    return apiKeyReply(200, requireApiKeyAccess(context, key, 'iam-identity.apikey.get'), request)
  },
})
