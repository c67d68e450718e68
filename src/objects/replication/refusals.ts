import { CodedError } from '../../base/errors.ts'

/** Of reading a version, and of writing it to another bucket of this store. */
const REFUSALS: ReadonlySet<string> = new Set([
  ...['NoSuchBucket', 'ReplicaRefused', 'QuotaExceeded', 'ObjectLocked', 'ObjectLockMissing', 'InvalidRetention'],
  ...['InvalidProtection', 'EntityTooLarge', 'TooManyKeys', 'ObjectDamaged', 'BucketKeyWrong', 'WrapBudgetSpent'],
  ...['RootKeyDisabled', 'RootKeyNotFound', 'KeyAccessDenied', 'WrappedDekForged', 'MetadataCorrupt'],
])

/** Does somebody have to see to it before it can succeed? */
export const isRefusal = (error: unknown): boolean => error instanceof CodedError && REFUSALS.has(error.code)
