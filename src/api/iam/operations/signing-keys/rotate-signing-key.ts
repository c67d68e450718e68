import { noBody } from '../../../common/json-operation.ts'
import { json } from '../../../common/reply.ts'
import { requirePermission } from '../../context.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { signingKeyAnswer } from '../../reply-schemas.ts'
import { writeSigningKey } from './signing-key-wire.ts'

/** A next key, which everybody's tokens will be signed with. It harms nobody and repeating it makes no more keys. */
export const rotateSigningKey = entityOperation({
  name: 'RotateSigningKey',
  method: 'POST',
  path: '/coffer/v1/signing-keys/rotate',
  action: 'iam-identity.signing-key.rotate',
  body: noBody,
  reply: signingKeyAnswer,
  run: async (_, context) => {
    requirePermission(context, 'iam-identity.signing-key.rotate', context.principal.accountId)
    return json(200, writeSigningKey(await context.iam.signingKeys.rotate()))
  },
})
