import type { CrnErrorCode } from '../../base/crn.ts'
import { type CodedError, type ErrorDetails, hasCode } from '../../base/errors.ts'
import type { KeyProviderErrorCode } from '../../envelope/key-provider.ts'
import type { WrapBudgetErrorCode } from '../../envelope/wrap-budget.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { KmsErrorCode } from '../../kms/errors.ts'
import type { ObjectsErrorCode } from '../../objects/errors.ts'
import type { AuditErrorCode } from '../../observe/audit-trail.ts'
import type { MetadataStoreErrorCode } from '../../storage/metadata/metadata-store.ts'
import type { JsonProtocol } from '../common/json-operation.ts'
import { plainError, renderPlainError } from '../common/plain-protocol.ts'
import { json, type Reply } from '../common/reply.ts'
import { adminAudit } from './audit.ts'
import { type AdminContext, type AdminOptions, contextOf } from './context.ts'
import type { AdminErrorCode } from './errors.ts'

/** Coffer's own: what an operator does that neither S3 nor Key Protect has a call for. `{"error":{"code","message"}}`. */
export function adminProtocol(options: AdminOptions): JsonProtocol<AdminContext> {
  return {
    name: 'admin',
    prefixes: ['/admin'],
    bodyLimitBytes: 16 * 1024,
    authenticate: (request, operation) => contextOf(request, operation, options),
    audit: adminAudit(options),
    renderError,
    error: plainError,
    replyHeaders: ({ correlationId }) => ({ 'Correlation-Id': correlationId }),
  }
}

const STATUS = {
  InvalidToken: 401,
  ExpiredToken: 401,
  NotPermitted: 403,
  InvalidCrn: 400,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchVersion: 404,
  DeleteMarker: 404,
  ObjectDamaged: 500,
  NoSuchRewrap: 404,
  BucketMoving: 409,
  NothingToShare: 404,
  NoAccessKey: 409,
  BucketBusy: 409,
  BucketKeyWrong: 409,
  WrapBudgetSpent: 409,
  TooManyKeys: 409,
  RootKeyNotFound: 400,
  KeyNotFound: 404,
  PolicyNotFound: 404,
  RootKeyDisabled: 409,
  KeyAccessDenied: 403,
  KeyProviderUnavailable: 503,
  AuditUnavailable: 503,
  NoSpace: 503,
  CommitUnknown: 503,
  MetadataStoreFailed: 503,
} as const satisfies Partial<
  Record<
    | CrnErrorCode
    | ObjectsErrorCode
    | AdminErrorCode
    | KeyProviderErrorCode
    | WrapBudgetErrorCode
    | AuditErrorCode
    | MetadataStoreErrorCode
    | Extract<KmsErrorCode, 'KeyNotFound'>
    | Extract<IamErrorCode, 'InvalidToken' | 'ExpiredToken' | 'NotPermitted' | 'PolicyNotFound'>,
    number
  >
>

const isFaced = (error: unknown): error is CodedError<keyof typeof STATUS> & { readonly details: ErrorDetails } =>
  hasCode(error) && Object.hasOwn(STATUS, error.code)

const renderError = (error: unknown): Reply =>
  isFaced(error)
    ? json(STATUS[error.code], { error: { code: error.code, message: error.message } })
    : renderPlainError(error)
