import { type CodedError, hasCode } from '../../base/errors.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { ObjectsErrorCode } from '../../objects/errors.ts'
import type { AuditErrorCode } from '../../observe/audit-trail.ts'
import type { MetadataStoreErrorCode } from '../../storage/metadata/metadata-store.ts'
import { allowHeader, isRequestError, requestErrorStatus } from '../common/plain-protocol.ts'
import { json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'

export type ConfigErrorCode =
  | Extract<IamErrorCode, 'InvalidToken' | 'ExpiredToken' | 'NotPermitted'>
  /** If-Match is not the configuration's ETag. */
  | 'ConfigurationChanged'

type LowerCode =
  | ConfigErrorCode
  | Extract<ObjectsErrorCode, 'NoSuchBucket' | 'BucketBusy'>
  | Extract<MetadataStoreErrorCode, 'NoSpace' | 'MetadataStoreFailed' | 'CommitUnknown'>
  | AuditErrorCode

const FACES = {
  InvalidToken: [401, 'invalid_token'],
  ExpiredToken: [401, 'invalid_token'],
  NotPermitted: [403, 'forbidden'],
  NoSuchBucket: [404, 'not_found'],
  BucketBusy: [409, 'conflict'],
  ConfigurationChanged: [412, 'precondition_failed'],
  NoSpace: [503, 'service_unavailable'],
  MetadataStoreFailed: [503, 'service_unavailable'],
  CommitUnknown: [503, 'service_unavailable'],
  AuditUnavailable: [503, 'service_unavailable'],
} as const satisfies Record<LowerCode, readonly [number, string]>

const isFaced = (error: unknown): error is CodedError<keyof typeof FACES> =>
  hasCode(error) && Object.hasOwn(FACES, error.code)

/** IBM's container of errors: `{"errors":[{"code","message"}],"trace","status_code"}`. */
export function renderError(error: unknown, request: ApiRequest): Reply {
  if (isFaced(error)) {
    const [status, code] = FACES[error.code]
    return errorReply(request, status, code, error.message)
  }
  if (isRequestError(error)) {
    const status = requestErrorStatus(error.code)
    const code = status === 404 ? 'not_found' : status === 405 ? 'method_not_allowed' : 'bad_request'
    return errorReply(request, status, code, error.message, allowHeader(error))
  }
  return errorReply(request, 500, 'internal_error', 'internal error')
}

const errorReply = ({ correlationId }: ApiRequest, status: number, code: string, message: string, headers = {}) =>
  json(status, { errors: [{ code, message }], trace: correlationId, status_code: status }, headers)
