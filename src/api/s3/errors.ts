import type { AccessErrorCode } from '../../access/errors.ts'
import type { CrnErrorCode } from '../../base/crn.ts'
import { CodedError } from '../../base/errors.ts'
import type { StreamErrorCode } from '../../base/streams.ts'
import type { EnvelopeErrorCode } from '../../envelope/errors.ts'
import type { KeyProviderErrorCode } from '../../envelope/key-provider.ts'
import type { WrapBudgetErrorCode } from '../../envelope/wrap-budget.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { ObjectsErrorCode } from '../../objects/errors.ts'
import type { AuditErrorCode } from '../../observe/audit-trail.ts'
import type { BlobStoreErrorCode } from '../../storage/blob/blob-store.ts'
import type { MetadataStoreErrorCode } from '../../storage/metadata/metadata-store.ts'
import type { NonceSourceErrorCode } from '../../storage/metadata/nonce-source.ts'
import type { RequestErrorCode } from '../common/request.ts'
import { S3_ERRORS, S3Error, type S3ErrorCode } from './error-codes.ts'

type LowerCode =
  | AccessErrorCode
  | ObjectsErrorCode
  | KeyProviderErrorCode
  | WrapBudgetErrorCode
  | MetadataStoreErrorCode
  | BlobStoreErrorCode
  | NonceSourceErrorCode
  | EnvelopeErrorCode
  | StreamErrorCode
  | CrnErrorCode
  | AuditErrorCode
  | Extract<IamErrorCode, 'InvalidToken' | 'ExpiredToken'>
  | Extract<RequestErrorCode, 'TooManyRequests'>

/** The S3 face of every code that can reach this protocol. A new code below without a line here does not compile. */
const FACES = {
  NoSuchBucket: 'NoSuchBucket',
  NoSuchKey: 'NoSuchKey',
  NoSuchUpload: 'NoSuchUpload',
  NoSuchVersion: 'NoSuchVersion',
  DeleteMarker: 'MethodNotAllowed',
  BucketAlreadyExists: 'BucketAlreadyExists',
  BucketAlreadyOwnedByYou: 'BucketAlreadyOwnedByYou',
  BucketNotEmpty: 'BucketNotEmpty',
  BucketBusy: 'OperationAborted',
  BucketKeyWrong: 'KMS.KMSInvalidStateException',
  TooManyKeys: 'InvalidRequest',
  NoSuchRewrap: 'InvalidRequest',
  BucketMoving: 'InvalidRequest',
  QuotaExceeded: 'QuotaExceeded',
  ObjectLocked: 'AccessDenied',
  ObjectLockMissing: 'InvalidRequest',
  InvalidRetention: 'InvalidArgument',
  InvalidProtection: 'InvalidRequest',
  ReplicaRefused: 'InvalidRequest',
  VersioningLocked: 'InvalidBucketState',
  ReplicaSealed: 'InvalidObjectState',
  SealedReplicaInvalid: 'BadDigest',
  ReplicationPresent: 'InvalidBucketState',
  PreconditionFailed: 'PreconditionFailed',
  ConditionalRequestConflict: 'ConditionalRequestConflict',
  NotModified: 'NotModified',
  InvalidRange: 'InvalidRange',
  InvalidPart: 'InvalidPart',
  InvalidPartNumber: 'InvalidPartNumber',
  InvalidPartOrder: 'InvalidPartOrder',
  InvalidWriteOffset: 'InvalidWriteOffset',
  TooManyParts: 'TooManyParts',
  AppendRefused: 'InvalidRequest',
  RenameRefused: 'InvalidRequest',
  RenameTokenUsed: 'IdempotentParameterMismatch',
  EntityTooSmall: 'EntityTooSmall',
  EntityTooLarge: 'EntityTooLarge',
  BadDigest: 'BadDigest',
  ChecksumMismatch: 'BadDigest',
  ChecksumTypeMismatch: 'InvalidRequest',
  CustomerKeyRequired: 'InvalidRequest',
  CustomerKeyNotApplicable: 'InvalidRequest',
  CustomerKeyWrong: 'AccessDenied',
  UploadKeyMismatch: 'InvalidRequest',
  EncryptionFixed: 'InvalidRequest',
  ObjectDamaged: 'InternalError',
  WrapBudgetSpent: 'KMS.KMSInvalidStateException',
  RootKeyDisabled: 'KMS.DisabledException',
  RootKeyNotFound: 'KMS.NotFoundException',
  KeyAccessDenied: 'AccessDenied',
  KeyProviderUnavailable: 'ServiceUnavailable',
  WrappedDekForged: 'InternalError',
  MetadataStoreFailed: 'ServiceUnavailable',
  CommitUnknown: 'ServiceUnavailable',
  StoreLocked: 'ServiceUnavailable',
  MetadataCorrupt: 'InternalError',
  NoncesExhausted: 'ServiceUnavailable',
  NonceEpochsCorrupt: 'InternalError',
  BlobMissing: 'InternalError',
  BlobTorn: 'IncompleteBody',
  NoSpace: 'InsufficientStorage',
  BlobStoreFailed: 'ServiceUnavailable',
  EnvelopeForged: 'InternalError',
  EnvelopeTooLarge: 'EntityTooLarge',
  StreamAborted: 'IncompleteBody',
  StreamTooLong: 'EntityTooLarge',
  AuditUnavailable: 'ServiceUnavailable',
  InvalidCrn: 'InvalidArgument',
  MalformedPolicy: 'MalformedPolicy',
  InvalidGrant: 'InvalidArgument',
  UnresolvableGrantByEmailAddress: 'UnresolvableGrantByEmailAddress',
  InvalidToken: 'InvalidToken',
  ExpiredToken: 'ExpiredToken',
  TooManyRequests: 'SlowDown',
} as const satisfies Record<LowerCode, S3ErrorCode>

/** Messages for codes whose own text speaks of Coffer's insides, or that users meet often. */
const MESSAGES: Readonly<Partial<Record<keyof typeof FACES, string>>> = {
  RootKeyDisabled:
    'The root key that protects this bucket is disabled. Its data is intact; enable the key to read and write it.',
  RootKeyNotFound: 'The root key that protects this bucket is deleted or does not exist.',
  WrapBudgetSpent:
    'The root key of this bucket has wrapped as many data keys as it safely may. Rotate it to store more; what is stored can be read.',
  BucketKeyWrong:
    'The key service answers for the root key of this bucket, but with other key material than the bucket was made with. Nothing is read or written under it. Bring the key service back with the right keys, for instance from its latest backup: the bucket then opens by itself.',
  KeyAccessDenied:
    'Access Denied: no authorization lets this object storage instance use the root key of this bucket. Create an authorization with role Reader from the instance to Key Protect.',
  KeyProviderUnavailable: 'The key provider of this bucket cannot be reached. Try again later.',
  AuditUnavailable: 'No key is used while its use cannot be recorded in the audit log. Try again later.',
  CustomerKeyWrong:
    'Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.',
  ObjectLocked: 'Access Denied because object protected by object lock.',
  InvalidRetention: 'The retain until date must be in the future!',
  VersioningLocked:
    'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.',
  ReplicationPresent:
    'A replication configuration is present on this bucket, so the versioning state cannot be changed.',
  MetadataStoreFailed:
    'The store cannot be read now, or had a write error: then it takes no writes until it is restarted.',
  NoSpace: 'There is not enough free disk space to store the object.',
}

const INTERNAL: ReadonlySet<S3ErrorCode> = new Set(['InternalError'])

/** True when the error is a fault of ours that must be logged with its cause. */
export const isFault = (error: S3Error): boolean => INTERNAL.has(error.code)

/** Any thrown value as an S3Error. What has no face is a bug: its text is never shown. */
export function s3Face(error: unknown): S3Error {
  if (error instanceof S3Error) return error
  if (!(error instanceof CodedError)) return new S3Error('InternalError', undefined, { cause: error })
  const faces: Readonly<Record<string, S3ErrorCode>> = FACES
  const code = Object.hasOwn(faces, error.code) ? faces[error.code] : undefined
  if (!code) return new S3Error('InternalError', undefined, { cause: error })
  const own: Readonly<Record<string, string | undefined>> = MESSAGES
  const speaksS3 =
    error.code === code || error.code === 'InvalidGrant' || code === 'BadDigest' || code === 'InvalidRequest'
  const message = own[error.code] ?? (speaksS3 ? error.message : S3_ERRORS[code][1])
  return new S3Error(code, message, { cause: error, ...facts(error) })
}

/** Facts that S3 puts into the error document or the headers, from the details of the lower error. */
function facts(error: CodedError): { extra?: Record<string, string>; headers?: Record<string, string> } {
  const { details } = error
  const extra: Record<string, string> = {}
  const names: Readonly<Record<string, string>> = {
    condition: 'Condition',
    bucketName: 'BucketName',
    key: 'Key',
    versionId: 'VersionId',
    uploadId: 'UploadId',
    partNumber: 'PartNumber',
    etag: 'ETag',
    proposedSize: 'ProposedSize',
    minSizeAllowed: 'MinSizeAllowed',
    maxSizeAllowed: 'MaxSizeAllowed',
    actualObjectSize: 'ActualObjectSize',
    rangeRequested: 'RangeRequested',
    argumentName: 'ArgumentName',
    argumentValue: 'ArgumentValue',
  }
  for (const [name, value] of Object.entries(details)) {
    const element = names[name]
    if (element && value !== undefined) extra[element] = String(value)
  }
  return {
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
    ...(error.code === 'KeyProviderUnavailable' ? { headers: { 'retry-after': '2' } } : {}),
    ...(error.code === 'TooManyRequests' ? { headers: { 'retry-after': retryAfter(details) } } : {}),
    ...markerHeaders(error),
  }
}

/** In seconds. */
const retryAfter = ({ retryAfterMs }: CodedError['details']): string => String(Math.ceil(Number(retryAfterMs) / 1000))

/** S3: a delete marker is named whenever it is what was found, and may only be deleted. */
function markerHeaders({ code, details }: CodedError): { headers?: Record<string, string> } {
  const { markerVersionId, markerTimeMs, deleteMarker } = details
  if (deleteMarker === false) return { headers: { 'x-amz-delete-marker': 'false' } }
  if (markerVersionId === undefined) return {}
  const marker = { 'x-amz-delete-marker': 'true', 'x-amz-version-id': String(markerVersionId) }
  if (code !== 'DeleteMarker') return { headers: marker }
  return { headers: { ...marker, 'last-modified': new Date(Number(markerTimeMs)).toUTCString(), allow: 'DELETE' } }
}
