import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { CodedError, type ErrorDetails, hasCode } from '../../base/errors.ts'
import type { KmsErrorCode } from '../../kms/errors.ts'
import type { AuditErrorCode } from '../../observe/audit-trail.ts'
import { bodyProblem } from '../common/body.ts'
import { headersOf } from '../common/plain-protocol.ts'
import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest, RequestErrorCode } from '../common/request.ts'
import { collection } from './envelope.ts'

/** What only the protocol can refuse. */
type ProtocolErrorCode =
  | 'Unauthenticated'
  /** `Bluemix-Instance` is absent or not a UUID. */
  | 'InstanceHeaderInvalid'
  | 'InvalidQuery'
  | 'CollectionTotalMismatch'
  | 'CollectionNotOne'
  /** `?policy=` names another policy than the body. */
  | 'BodyQueryMismatch'
  /** The body says the same thing twice, or nothing. */
  | 'BodyAmbiguous'
  /** A registration: the key is a standard key. */
  | 'RegistrationRootKeyRequired'
  /** A registration: not in this state of the key. */
  | 'RegistrationKeyState'
  /** A call of Key Protect that this server does not have; the message names it. */
  | 'NotImplemented'

interface Face {
  readonly status: number
  /** Key Protect's reason code; absent where its answers have only an `errorMsg`. */
  readonly reason?: string
}

type WireErrorCode = KmsErrorCode | AuditErrorCode | ProtocolErrorCode | RequestErrorCode

const UNAUTHORIZED: Face = { status: 401 }
const BAD_BODY: Face = { status: 400, reason: 'BAD_BODY_ERR' }

const FACES: ReadonlyMap<string, Face> = new Map(
  Object.entries({
    Unauthenticated: UNAUTHORIZED,
    Unauthorized: UNAUTHORIZED,
    InstanceNotFound: UNAUTHORIZED,
    InstanceHeaderInvalid: { status: 400 },
    BodyMissing: { status: 400, reason: 'NO_BODY_ERR' },
    BodyMalformed: BAD_BODY,
    BodyInvalid: BAD_BODY,
    BodyIncomplete: BAD_BODY,
    BodyEncoded: BAD_BODY,
    BodyTooLarge: { status: 413, reason: 'BAD_BODY_ERR' },
    BadPath: { status: 400, reason: 'INVALID_FIELD_ERR' },
    BadHeader: { status: 400, reason: 'INVALID_FIELD_ERR' },
    BadQuery: { status: 400, reason: 'INVALID_QUERY_PARAM_ERR' },
    CrnQueryInvalid: { status: 400, reason: 'INVALID_QUERY_PARAM_ERR' },
    InvalidQuery: { status: 400, reason: 'INVALID_QUERY_PARAM_ERR' },
    CollectionTotalMismatch: { status: 400, reason: 'COLLECTION_TOTAL_MISMATCH_ERR' },
    CollectionNotOne: { status: 400, reason: 'NUM_COLLECTION_RESOURCE_ERR' },
    BodyQueryMismatch: { status: 400, reason: 'BODY_QUERY_PARAM_MISMATCH_ERR' },
    BodyAmbiguous: BAD_BODY,
    InvalidField: { status: 400, reason: 'INVALID_FIELD_ERR' },
    RootKeyRequired: { status: 400, reason: 'KEY_ROOT_REQ_ERR' },
    PayloadRequired: { status: 400, reason: 'KEY_PAYLOAD_REQ_ERR' },
    RestoreExpired: { status: 400, reason: 'KEY_RESTORE_EXPIRED' },
    KeyExpired: { status: 400, reason: 'KEY_EXPIRED_ERR' },
    IncorrectNonce: { status: 400, reason: 'INCORRECT_NONCE_ERR' },
    IncorrectNonceIv: { status: 400, reason: 'INCORRECT_NONCE_IV_ERR' },
    SearchTooBroad: { status: 400, reason: 'KEY_SEARCH_TOO_BROAD' },
    ServiceOnly: { status: 403, reason: 'SERVICE_ONLY_ERR' },
    ForeignResource: { status: 403, reason: 'RESOURCE_OWNER_ERR' },
    KeyNotFound: { status: 404, reason: 'KEY_NOT_FOUND_ERR' },
    AliasNotFound: { status: 404, reason: 'KEY_ALIAS_NOT_FOUND_ERR' },
    RegistrationNotFound: { status: 404, reason: 'REGISTRATION_NOT_FOUND_ERR' },
    ImportTokenNotFound: { status: 404, reason: 'IMPORT_TOKEN_NOT_FOUND_ERR' },
    KeyRingNotFound: { status: 404, reason: 'KEY_RING_NOT_FOUND_ERR' },
    NoSuchPath: { status: 404, reason: 'NOT_FOUND_ERR' },
    MethodNotAllowed: { status: 405, reason: 'METHOD_NOT_ALLOWED_ERR' },
    Unreadable: { status: 400 },
    HeadTooLarge: { status: 431 },
    RequestTimeout: { status: 408 },
    TooManyRequests: { status: 429 },
    InvalidKeyState: { status: 409, reason: 'KEY_ACTION_INVALID_STATE_ERR' },
    ProtectedResource: { status: 409, reason: 'PROTECTED_RESOURCE_ERR' },
    KeyDeletionPrevented: { status: 409, reason: 'PREV_KEY_DEL_ERR' },
    TooEarly: { status: 409, reason: 'REQ_TOO_EARLY_ERR' },
    RotationTooEarly: { status: 409, reason: 'KEY_ROTATION_NOT_PERMITTED' },
    AliasExists: { status: 409, reason: 'KEY_ALIAS_NOT_UNIQUE_ERR' },
    AliasLimitReached: { status: 409, reason: 'KEY_ALIAS_QUOTA_ERR' },
    KeyRingExists: { status: 409, reason: 'KEY_RING_NOT_UNIQUE_ERR' },
    KeyRingLimitReached: { status: 409, reason: 'KEY_RING_QUOTA_ERR' },
    KeyRingNotEmpty: { status: 409, reason: 'KEY_RING_NOT_EMPTY_ERR' },
    KeyAccessRestricted: { status: 409, reason: 'KEY_CREATE_IMPORT_ACCESS_ERR' },
    ImportTokenExpired: { status: 409, reason: 'IMPORT_TOKEN_EXPIRED_ERR' },
    AuthorizationsNotMet: { status: 409, reason: 'AUTHORIZATIONS_NOT_MET' },
    NotDualAuth: { status: 409, reason: 'NOT_DUAL_AUTH_ERR' },
    KeyDeleted: { status: 410, reason: 'KEY_DELETED_ERR' },
    RegistrationRootKeyRequired: { status: 422, reason: 'KEY_ROOT_REQ_REG_ERR' },
    RegistrationKeyState: { status: 422, reason: 'KEY_INVALID_STATE_ERR' },
    KeyVersionInvalid: { status: 422, reason: 'KEY_VERSION_INVALID' },
    InvalidCiphertext: { status: 422, reason: 'UNPROCESSABLE_CIPHERTEXT_ERR' },
    KeyDamaged: { status: 500, reason: 'INCOMPLETE_METADATA_ERR' },
    NotImplemented: { status: 501, reason: 'NOT_IMPLEMENTED_ERR' },
    AuditUnavailable: { status: 503, reason: 'SERVICE_UNAVAILABLE_ERR' },
    KeyUnavailable: { status: 503, reason: 'SERVICE_UNAVAILABLE_ERR' },
  } satisfies Record<WireErrorCode, Face>),
)

const INTERNAL: Face = { status: 500, reason: 'INTERNAL_SERVER_ERR' }

// Key Protect: who may not is not told whether there is anything.
const UNAUTHORIZED_MESSAGE = 'Unauthorized: The user does not have access to the specified resource'

export const protocolError = (code: ProtocolErrorCode, message: string, details: ErrorDetails = {}): CodedError =>
  new CodedError<ProtocolErrorCode>(code, message, { details })

/** What `renderError` answers. */
export const errorReply = z.object({
  metadata: z.object({ collectionType: z.string(), collectionTotal: z.int() }),
  resources: z.array(
    z.object({
      errorMsg: z.string(),
      reasons: z
        .array(
          z.object({
            code: z.string(),
            message: z.string(),
            status: z.int(),
            moreInfo: z.string(),
            target: z.object({ type: z.literal('field'), name: z.string() }).optional(),
          }),
        )
        .optional(),
    }),
  ),
})

/** Answers everything; what has no code is an internal error without its text. */
export function renderError(error: unknown, request: Pick<ApiRequest, 'method' | 'rawPath'>): Reply {
  const coded = hasCode(error) ? error : undefined
  const face = (coded && faceOf(coded)) ?? INTERNAL
  const message = coded && face !== INTERNAL ? messageOf(coded) : 'internal error'
  const headers = coded ? headersOf(coded) : {}
  return json(face.status, collection('error', [errorResource(face, message, coded, request)]), headers)
}

function faceOf(error: CodedError): Face | undefined {
  // A member that Key Protect needs and that is not there is a bad field; an unknown one or one of the wrong type, a bad body.
  if (error.code === 'BodyInvalid' && bodyProblem(error).problem === 'missing') return FACES.get('InvalidField')
  return FACES.get(error.code)
}

function messageOf(error: CodedError): string {
  if (error.code !== 'BodyInvalid') return error.message
  const { problem, field } = bodyProblem(error)
  return problem === 'unknown' ? `json: unknown field "${field}"` : error.message
}

function errorResource(
  { status, reason }: Face,
  message: string,
  error: CodedError | undefined,
  request: Pick<ApiRequest, 'method' | 'rawPath'>,
): object {
  if (status === 401) return { errorMsg: UNAUTHORIZED_MESSAGE }
  const phrase = STATUS_CODES[status] ?? 'Error'
  if (reason === undefined) return { errorMsg: `${phrase}: ${message}` }
  const field = fieldOf(error)
  const target = field === undefined ? {} : { target: { type: 'field', name: field } }
  return {
    errorMsg: `${phrase}: ${whatFailed(request)}: Please see \`reasons\` for more details (${reason})`,
    reasons: [{ code: reason, message, status, moreInfo: 'https://cloud.ibm.com/apidocs/key-protect', ...target }],
  }
}

function fieldOf(error: CodedError | undefined): string | undefined {
  const field = error?.details['field']
  return typeof field === 'string' && field !== '' ? field : undefined
}

function whatFailed({ method, rawPath }: Pick<ApiRequest, 'method' | 'rawPath'>): string {
  if (method === 'GET' || method === 'HEAD') return 'The resource could not be retrieved'
  if (rawPath === '/api/v2/import_token') return 'Import token could not be created'
  if (rawPath.startsWith('/api/v2/key_rings/'))
    return `Key ring could not be ${method === 'DELETE' ? 'deleted' : 'created'}`
  if (rawPath.startsWith('/api/v2/instance/')) return 'Instance policy could not be created'
  if (rawPath === '/api/v2/keys' || rawPath === '/api/v2/keys_with_policy_overrides') return 'Key could not be created'
  return method === 'DELETE' ? 'The resource could not be deleted' : 'Action could not be performed on key'
}
