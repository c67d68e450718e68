import { z } from 'zod'
import type { Iam } from '../../../iam/iam.ts'
import type { IssuedToken, RefreshableToken } from '../../../iam/tokens.ts'
import { json, type Reply } from '../../common/reply.ts'
import type { ApiRequest } from '../../common/request.ts'
import { API_KEY_GRANT, GRANT_TYPES, REFRESH_GRANT, SERVICE_GRANT } from '../grant-types.ts'
import { IdentityError, propertyInvalid, propertyMissing } from '../identity-error.ts'
import { identityOperation } from '../identity-protocol.ts'
import { tokenAnswer } from '../reply-schemas.ts'

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
    reply: tokenAnswer,
    run: ({ request, body = {} }, { iam }) => answer(iam, request, body),
  })

export const createIdentityToken = createToken('CreateToken', '/identity/token')
export const createOidcToken = createToken('CreateOidcToken', '/oidc/token')

async function answer(iam: Iam, request: ApiRequest, fields: Form): Promise<Reply> {
  const grantType = required(fields, 'grant_type')
  refuseOtherResponses(fields)
  switch (grantType) {
    case API_KEY_GRANT:
      return refreshable(await iam.tokens.issueForApiKey(required(fields, 'apikey')), request)
    case REFRESH_GRANT:
      return refreshable(await iam.tokens.issueForRefreshToken(required(fields, 'refresh_token')), request)
    case SERVICE_GRANT:
      return tokenReply(await issueForService(iam, fields))
    default:
      throw propertyInvalid('grant_type', GRANT_TYPES)
  }
}

/** Only what is answered may be asked for. */
function refuseOtherResponses(fields: Form): void {
  const wanted = optional(fields, 'response_type')
  if (wanted !== undefined && wanted !== 'cloud_iam') throw propertyInvalid('response_type', ['cloud_iam'])
}

/**
 * A client that names itself as `bx` can refresh, and is given a refresh token that does: ibm-cos-sdk-config uses what it
 * got as soon as 80 % of a token's life have passed. Without a client there is none, as with IBM, and none is missed:
 * the Key Protect and platform clients ask with the API key again.
 */
function refreshable(token: RefreshableToken, request: ApiRequest): Reply {
  return tokenReply(token, isRefreshingClient(request) ? token.refreshToken : undefined)
}

/** `bx:bx`: a public client. Its password is no secret and protects nothing. */
const isRefreshingClient = (request: ApiRequest): boolean =>
  /^Basic +Yng6Yng=$/i.test(request.header('authorization') ?? '')

function tokenReply(token: IssuedToken, refreshToken = 'not_supported'): Reply {
  const { accessToken, issuedAtSeconds, expiresAtSeconds } = token
  return json(200, {
    access_token: accessToken,
    refresh_token: refreshToken,
    token_type: 'Bearer',
    expires_in: expiresAtSeconds - issuedAtSeconds,
    expiration: expiresAtSeconds,
    scope: 'ibm openid',
  })
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

const optional = (fields: Form, name: string): string | undefined =>
  (Object.hasOwn(fields, name) ? fields[name] : undefined) || undefined

function required(fields: Form, name: string): string {
  const value = optional(fields, name)
  if (value === undefined) throw propertyMissing(name)
  return value
}
