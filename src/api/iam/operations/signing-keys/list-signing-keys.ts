import { noBody } from '../../../common/json-operation.ts'
import { json } from '../../../common/reply.ts'
import { requirePermission } from '../../context.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { signingKeysAnswer } from '../../reply-schemas.ts'
import { writeSigningKey } from './signing-key-wire.ts'

export const listSigningKeys = entityOperation({
  name: 'ListSigningKeys',
  method: 'GET',
  path: '/coffer/v1/signing-keys',
  action: 'iam-identity.signing-key.get',
  body: noBody,
  reply: signingKeysAnswer,
  run: async (_, context) => {
    requirePermission(context, 'iam-identity.signing-key.get', context.principal.accountId)
    return json(200, { signing_keys: context.iam.signingKeys.list().map(writeSigningKey) })
  },
})
