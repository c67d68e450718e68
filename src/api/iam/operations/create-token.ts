import { z } from 'zod'
import type { Iam } from '../../../iam/iam.ts'
import type { IssuedToken } from '../../../iam/tokens.ts'
import { json } from '../../common/reply.ts'
import { IdentityError, propertyMissing } from '../identity-error.ts'
import { identityOperation } from '../identity-protocol.ts'

const GRANT = 'urn:ibm:params:oauth:grant-type:'

/** Clients send more than is needed, some of it empty (`refresh_token=&redirect_uri=`): empty is absent, unknown is ignored. */
const form = z.record(z.string(), z.string())
type Form = Readonly<z.output<typeof form>>

const createToken = (name: string, path: string) =>
  identityOperation({
    name,
    method: 'POST',
    path,
    anonymous: true,
    bodyFormat: 'form',
    body: form.optional(),
    run: async ({ body = {} }, { iam }) => {
      const { accessToken, issuedAtSeconds, expiresAtSeconds } = await issue(iam, body)
      return json(200, {
        access_token: accessToken,
        // API keys get no refresh token: they ask again.
        refresh_token: 'not_supported',
        token_type: 'Bearer',
        expires_in: expiresAtSeconds - issuedAtSeconds,
        expiration: expiresAtSeconds,
        scope: 'ibm openid',
      })
    },
  })

export const createIdentityToken = createToken('CreateToken', '/identity/token')
export const createOidcToken = createToken('CreateOidcToken', '/oidc/token')

async function issue(iam: Iam, fields: Form): Promise<IssuedToken> {
  switch (required(fields, 'grant_type')) {
    case `${GRANT}apikey`:
      return iam.tokens.issueForApiKey(required(fields, 'apikey'))
    case `${GRANT}iam-authz`:
      return issueForService(iam, fields)
    case 'refresh_token':
      throw new IdentityError(
        'BXNIM0407E',
        'Provided refresh token is invalid.',
        'No refresh tokens are issued: use the API key again.',
      )
    default:
      throw new IdentityError(
        'BXNIM0109E',
        'Property has a value that is not supported.',
        "Property 'grant_type' is not supported.",
      )
  }
}

async function issueForService(iam: Iam, fields: Form): Promise<IssuedToken> {
  const accessToken = required(fields, 'access_token')
  const iamId = required(fields, 'desired_iam_id')
  if (!iamId.startsWith('crn-crn:')) {
    throw new IdentityError(
      'BXNIM0113E',
      'Provided cloud resource name is invalid.',
      "Property 'desired_iam_id' is crn-<CRN of an instance>.",
    )
  }
  return iam.tokens.issueForService(accessToken, iamId.slice('crn-'.length))
}

function required(fields: Form, name: string): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (!value) throw propertyMissing(name)
  return value
}
