import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { identityOperation } from '../identity-protocol.ts'
import { keySetAnswer } from '../reply-schemas.ts'

/**
 * JWKS (RFC 7517): what a token is verified with. It may be kept for less time than a new key is shown before it signs,
 * so whoever keeps it that long knows every key that signs.
 */
export const getKeys = identityOperation({
  name: 'GetKeys',
  method: 'GET',
  path: '/identity/keys',
  anonymous: true,
  body: noBody,
  reply: keySetAnswer,
  run: async (_, { iam: { signingKeys } }) =>
    json(200, signingKeys.jwks(), { 'Cache-Control': `public, max-age=${Math.floor(signingKeys.cacheMs / 1000)}` }),
})
