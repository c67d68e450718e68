import type { S3ServiceException } from '@aws-sdk/client-s3'

/** The server says that it cannot for now: of the answers to a disk that fails nothing else is excused. */
export const isHonest = (error: S3ServiceException): boolean =>
  ['ServiceUnavailable', 'InsufficientStorage', 'SlowDown'].includes(error.name)
