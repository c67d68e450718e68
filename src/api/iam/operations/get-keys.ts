import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { identityOperation } from '../identity-protocol.ts'

/** JWKS (RFC 7517): what a token is verified with. */
export const getKeys = identityOperation({
  name: 'GetKeys',
  method: 'GET',
  path: '/identity/keys',
  anonymous: true,
  body: noBody,
  run: async (_, { iam }) => json(200, iam.tokens.jwks()),
})
