import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { GRANT_TYPES } from '../grant-types.ts'
import { identityOperation } from '../identity-protocol.ts'
import { openidConfigurationAnswer } from '../reply-schemas.ts'

/** OpenID Connect Discovery, as far as there is something to discover: nobody logs in here with a browser. */
export const getOpenidConfiguration = identityOperation({
  name: 'GetOpenidConfiguration',
  method: 'GET',
  path: '/identity/.well-known/openid-configuration',
  anonymous: true,
  body: noBody,
  reply: openidConfigurationAnswer,
  run: async ({ request }, { iam }) => {
    const { origin } = new URL(request.url)
    const configuration = {
      issuer: iam.issuer,
      token_endpoint: `${origin}/identity/token`,
      jwks_uri: `${origin}/identity/keys`,
      grant_types_supported: GRANT_TYPES,
      response_types_supported: ['cloud_iam'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      token_endpoint_auth_methods_supported: ['none', 'client_secret_basic'],
      scopes_supported: ['openid', 'ibm'],
    }
    return json(200, configuration, { 'Cache-Control': 'public, max-age=3600' })
  },
})
