import { CodedError, type ErrorDetails } from '../base/errors.ts'

export type ObjectsErrorCode =
  | 'NoSuchBucket'
  | 'NoSuchKey'
  | 'NoSuchUpload'
  | 'NoSuchVersion'
  /** The version that was named has no content: it says that the key was deleted. */
  | 'DeleteMarker'
  | 'BucketAlreadyExists'
  | 'BucketAlreadyOwnedByYou'
  | 'BucketNotEmpty'
  | 'BucketBusy'
  /** What answers under the name of a root key is not the key that the bucket was made with. */
  | 'BucketKeyWrong'
  /** A bucket refers to as many keys as it can. */
  | 'TooManyKeys'
  /** No rewrapping of the bucket was ever begun. */
  | 'NoSuchRewrap'
  /** What is on its way to another root key has to arrive there, or to go back. */
  | 'BucketMoving'
  /** The bucket would hold more bytes than its owner allows. */
  | 'QuotaExceeded'
  /** What would go is retained, or held. */
  | 'ObjectLocked'
  /** The bucket has no Object Lock. */
  | 'ObjectLockMissing'
  /** A retention that would have ended already. */
  | 'InvalidRetention'
  /** A replica cannot be taken: the bucket has no versions, or cannot keep what is retained. */
  | 'ReplicaRefused'
  /** What a protected bucket does not allow, or what only such a bucket has. */
  | 'InvalidProtection'
  /** Versioning stays as it is where there is Object Lock, or protection. */
  | 'VersioningLocked'
  /** A sealed replica lies under another root key than its bucket. */
  | 'ReplicaSealed'
  /** Bytes that are no sealed replica, or not the one that was announced. */
  | 'SealedReplicaInvalid'
  /** Versioning stays as it is in a bucket that is replicated. */
  | 'ReplicationPresent'
  | 'PreconditionFailed'
  | 'ConditionalRequestConflict'
  | 'NotModified'
  | 'InvalidRange'
  | 'InvalidPart'
  | 'InvalidPartNumber'
  | 'InvalidPartOrder'
  /** Bytes were to be appended elsewhere than at the end. */
  | 'InvalidWriteOffset'
  | 'TooManyParts'
  /** Nothing can be appended to this object. */
  | 'AppendRefused'
  /** This object cannot be given another name. */
  | 'RenameRefused'
  | 'RenameTokenUsed'
  | 'EntityTooSmall'
  | 'EntityTooLarge'
  | 'BadDigest'
  | 'ChecksumMismatch'
  | 'ChecksumTypeMismatch'
  /** The object needs the key that its customer keeps, and none was given. */
  | 'CustomerKeyRequired'
  /** A customer's key was given for what was stored without one. */
  | 'CustomerKeyNotApplicable'
  | 'CustomerKeyWrong'
  /** Not the customer's key that the upload began with, or one where it began without. */
  | 'UploadKeyMismatch'
  /** Of an object whose encryption changes only with its bytes. */
  | 'EncryptionFixed'
  /** Stored bytes or records do not authenticate: damage or tampering. Never explained to the outside. */
  | 'ObjectDamaged'

export class ObjectsError extends CodedError<ObjectsErrorCode> {
  constructor(code: ObjectsErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(code, message, options)
    this.name = 'ObjectsError'
  }
}
